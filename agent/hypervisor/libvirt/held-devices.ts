/** The PCI devices that domains hold, whosever the domains are. */
import { type Connection, ErrorCode } from '../../../native/index.js';
import { hasCode } from './failure.js';
import { XmlView } from './xml.js';

export interface HeldDevices {
  /** Of the domain that is asked for. */
  own: ReadonlySet<string>;
  /** Of all others. */
  taken: ReadonlySet<string>;
}

const readDeadlineMs = 10_000;

/** As their definitions say, and as they run now. */
export async function heldDevices(connection: Connection, uid: string): Promise<HeldDevices> {
  const own = new Set<string>();
  const taken = new Set<string>();
  for (const { uuid } of await connection.domainList(undefined, { deadlineMs: readDeadlineMs })) {
    for (const inactive of [true, false]) {
      const xml = await xmlOf(connection, uuid, inactive);
      for (const address of devicesIn(xml)) (uuid === uid ? own : taken).add(address);
    }
  }
  return { own, taken };
}

/** Empty for a domain that has gone since it was listed. */
async function xmlOf(connection: Connection, uuid: string, inactive: boolean): Promise<string> {
  try {
    return await connection.domainXml(uuid, { inactive }, { deadlineMs: readDeadlineMs });
  } catch (error) {
    if (hasCode(error, ErrorCode.NO_DOMAIN)) return '';
    throw error;
  }
}

/** The addresses of the PCI devices in a domain's definition, as `lspci -D` prints them. */
export function devicesIn(xml: string): string[] {
  if (xml === '') return [];
  return XmlView.parse(xml)
    .all('domain', 'devices', 'hostdev')
    .filter((device) => device.attribute('type') === 'pci')
    .flatMap((device) => device.all('source', 'address'))
    .map((address) => {
      const digits = (name: string, length: number) =>
        Number(address.attribute(name) ?? 0)
          .toString(16)
          .padStart(length, '0');
      const { domain, bus, slot } = {
        domain: digits('domain', 4),
        bus: digits('bus', 2),
        slot: digits('slot', 2),
      };
      return `${domain}:${bus}:${slot}.${digits('function', 1)}`;
    });
}
