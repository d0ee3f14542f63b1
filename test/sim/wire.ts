/**
 * Messages as they come out at the other end of the wire. Most go through the contract's own encoding, so that what is
 * forgotten there is forgotten here; the three that make up nearly all of the traffic are put together by hand in the
 * same form, which a test holds them to.
 */
import type { LeaseGrant } from '../../proto/gen/secovia/v1/LeaseGrant.js';
import type { LinkRequest, LinkRequest__Output } from '../../proto/gen/secovia/v1/LinkRequest.js';
import type { LinkResponse, LinkResponse__Output } from '../../proto/gen/secovia/v1/LinkResponse.js';
import type { Report } from '../../proto/gen/secovia/v1/Report.js';
import { messageCodec } from '../../proto/index.js';

const requests = messageCodec<LinkRequest, LinkRequest__Output>('secovia.v1.LinkRequest');
const responses = messageCodec<LinkResponse, LinkResponse__Output>('secovia.v1.LinkResponse');

export const encoded = {
  request: (message: LinkRequest): LinkRequest__Output => requests.deserialize(requests.serialize(message)),
  response: (message: LinkResponse): LinkResponse__Output =>
    responses.deserialize(responses.serialize(message)),
};

export function requestOverWire(message: LinkRequest): LinkRequest__Output {
  const { leaseRequest, report } = message;
  if (leaseRequest) {
    const { id = 0, heldMs } = leaseRequest;
    return {
      message: 'leaseRequest',
      leaseRequest: {
        id: Number(id),
        ...(heldMs === undefined ? {} : { heldMs: Number(heldMs), _heldMs: 'heldMs' as const }),
      },
    } as LinkRequest__Output;
  }
  if (report && !report.inventory && !report.orphanVms?.length)
    return { message: 'report', report: plainReport(report) };
  return encoded.request(message);
}

export function responseOverWire(message: LinkResponse): LinkResponse__Output {
  const { leaseGrant } = message;
  return leaseGrant
    ? { message: 'leaseGrant', leaseGrant: plainGrant(leaseGrant) }
    : encoded.response(message);
}

function plainReport(report: Report): NonNullable<LinkRequest__Output['report']> {
  const { libvirtAvailable = false, libvirtError = '', foreignDomains = 0, orphans = [] } = report;
  const { watchdog } = report;
  const { memoryUsedMib = 0, cpuPercent = 0, diskAvailableMib = 0, fenceTargets = [] } = report;
  return {
    libvirtAvailable,
    libvirtError,
    foreignDomains,
    memoryUsedMib,
    cpuPercent,
    diskAvailableMib,
    orphans: [...orphans],
    orphanVms: [],
    orphansIncomplete: report.orphansIncomplete ?? false,
    inventory: null,
    fenceTargets: fenceTargets.map(({ host = '', methods = [], controllerGuid = '', problem = '' }) => ({
      host,
      methods: [...methods],
      controllerGuid,
      problem,
    })),
    watchdog: watchdog
      ? {
          armed: watchdog.armed ?? false,
          timeoutSeconds: watchdog.timeoutSeconds ?? 0,
          problem: watchdog.problem ?? '',
        }
      : null,
  };
}

function plainGrant(grant: LeaseGrant): NonNullable<LinkResponse__Output['leaseGrant']> {
  const { id = 0, leaseMs = 0, epoch, checkpoint } = grant;
  const { incarnation = 0, counter = 0, instance = '' } = epoch ?? {};
  return {
    id: Number(id),
    leaseMs,
    epoch: epoch ? { incarnation, counter, instance } : null,
    checkpoint: checkpoint
      ? {
          incarnation: checkpoint.incarnation ?? 0,
          sequence: Number(checkpoint.sequence ?? 0),
          hash: checkpoint.hash as Buffer,
          signature: checkpoint.signature as Buffer,
        }
      : null,
  };
}
