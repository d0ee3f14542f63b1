/** Small values of the contract: times, faults, resources, enumerations. */
import type { Duration } from '../../proto/gen/google/protobuf/Duration.js';
import type { Timestamp } from '../../proto/gen/google/protobuf/Timestamp.js';
import type { Status } from '../../proto/gen/google/rpc/Status.js';
import type { Resources as ResourcesMessage } from '../../proto/gen/secovia/v1/Resources.js';
import { packStatus } from '../../proto/errors.js';
import type { Extras, Fault, Resources } from '../core/model.js';

export function timestamp(ms: number): Timestamp | null {
  if (ms === 0) return null;
  const seconds = Math.floor(ms / 1000);
  return { seconds, nanos: Math.round((ms - seconds * 1000) * 1e6) };
}

export function duration(ms: number): Duration {
  const seconds = Math.floor(ms / 1000);
  return { seconds, nanos: Math.round((ms - seconds * 1000) * 1e6) };
}

export function statusMessage(fault: Fault | null): Status | null {
  if (fault === null) return null;
  return packStatus(fault.code, fault.message, { errorInfo: { reason: fault.reason, metadata: {} } });
}

export function resourcesMessage(
  { vcpus, memoryMib, diskMib, vms }: Readonly<Resources>,
  extras: Extras = {},
): ResourcesMessage {
  return { vcpus, memoryMib, diskMib, vms, extras };
}
