/**
 * libvirt's error numbers as the agent's few kinds of fault. What matters is what a caller may conclude: that the
 * request will never work, that it may work later, or that nothing is known (PROTOCOL.md O6).
 */
import { DEADLINE_CODE, ErrorCode, LibvirtError } from '../../../native/index.js';
import { isDiskFull } from '../../full-disk.js';
import { HypervisorError, type HypervisorFault } from '../hypervisor.js';
import { XmlTextRefused } from './xml.js';

/** virErrorDomain of everything that goes wrong between client and daemon. */
const fromRpc = 7;

const faults = new Map<number, HypervisorFault>([
  [DEADLINE_CODE, 'timeout'],
  [ErrorCode.OPERATION_TIMEOUT, 'timeout'],
  [ErrorCode.RESOURCE_BUSY, 'timeout'],
  [ErrorCode.AGENT_UNRESPONSIVE, 'timeout'],
  [ErrorCode.INVALID_CONN, 'unavailable'],
  [ErrorCode.RPC, 'unavailable'],
  [ErrorCode.NO_DOMAIN, 'absent'],
  [ErrorCode.NO_SUPPORT, 'invalid'],
  [ErrorCode.INVALID_ARG, 'invalid'],
  [ErrorCode.XML_ERROR, 'invalid'],
  [ErrorCode.CONFIG_UNSUPPORTED, 'invalid'],
  [ErrorCode.OPERATION_UNSUPPORTED, 'invalid'],
  [ErrorCode.XML_INVALID_SCHEMA, 'invalid'],
]);

function faultOf(error: LibvirtError): HypervisorFault {
  if (error.domain === fromRpc && error.code !== DEADLINE_CODE) return 'unavailable';
  if (/no space left on device/i.test(error.message)) return 'noSpace';
  return faults.get(error.code) ?? 'failed';
}

/** Any failure of a call as a `HypervisorError`. */
export function asHypervisorError(error: unknown): HypervisorError {
  if (error instanceof HypervisorError) return error;
  if (error instanceof XmlTextRefused) return new HypervisorError('invalid', error.message);
  if (error instanceof LibvirtError) return new HypervisorError(faultOf(error), error.message);
  return new HypervisorError(isDiskFull(error) ? 'noSpace' : 'failed', (error as Error).message);
}

/** True for a failure with this libvirt code. */
export function hasCode(error: unknown, ...codes: number[]): boolean {
  return error instanceof LibvirtError && codes.includes(error.code);
}
