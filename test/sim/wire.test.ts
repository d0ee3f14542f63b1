import { test } from 'tap';
import type { LinkRequest } from '../../proto/gen/secovia/v1/LinkRequest.js';
import type { LinkResponse } from '../../proto/gen/secovia/v1/LinkResponse.js';
import { encoded, requestOverWire, responseOverWire } from './wire.js';

const requests: LinkRequest[] = [
  { leaseRequest: { id: 7, heldMs: 1234 } },
  { leaseRequest: { id: 7, heldMs: 0 } },
  { leaseRequest: { id: 7 } },
  { report: { libvirtAvailable: true, orphans: ['domain x'], foreignDomains: 2, inventory: null } },
  { report: { libvirtAvailable: false, libvirtError: 'hung', cpuPercent: 3 } },
  { report: { inventory: { architecture: 'x86_64' } } },
];
const epoch = { incarnation: 1, counter: 2, instance: 'i' };
const checkpoint = { incarnation: 1, sequence: 9, hash: Buffer.from('h'), signature: Buffer.from('s') };
const responses: LinkResponse[] = [
  { leaseGrant: { id: 7, leaseMs: 30_000, epoch, checkpoint } },
  { leaseGrant: { id: 7, leaseMs: 30_000, epoch: null, checkpoint: null } },
  { desiredSynced: { epoch } },
];

test('what is put together by hand is what the contract’s encoding makes of it', async (t) => {
  for (const request of requests) t.same(requestOverWire(request), encoded.request(request));
  for (const response of responses) t.same(responseOverWire(response), encoded.response(response));
});
