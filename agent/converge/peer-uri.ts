/**
 * Where a running VM may be handed over to. The daemon that connects there is libvirtd, which is root, and libvirt's
 * addresses can name programs and files (`?command=`, `?pkipath=`). So only the plainest form is taken, from settings and
 * from the scheduler alike: a transport, a host, maybe a port, and which libvirt of that host.
 */

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const name = `${label}(?:\\.${label})*`;
const address6 = '\\[[0-9a-f:.]{2,45}\\]';
const rest = '(?::[0-9]{1,5})?/(?:system|session)';
const peerUri = new RegExp(`^qemu\\+(?:tls|tcp)://(?:${name}|${address6})${rest}$`);
const peerPattern = new RegExp(`^qemu\\+(?:tls|tcp)://(?:\\*\\.)?(?:${name}|${address6})${rest}$`);
const longestUri = 300;

/** What an address of a libvirt looks like, for people. */
export const peerUriForm =
  'qemu+tls://HOST/system, with a host name in lower case or an address, and nothing else in it (qemu+tcp, a port and /session are known too)';

export const isPeerUri = (text: string): boolean => text.length <= longestUri && peerUri.test(text);

/** An address, or one whose host begins with `*.` for any single label. */
export const isPeerPattern = (text: string): boolean => text.length <= longestUri && peerPattern.test(text);

/** Whether one of the patterns names this address. */
export function isAllowedPeer(uri: string, patterns: readonly string[]): boolean {
  return isPeerUri(uri) && patterns.some((pattern) => matches(uri, pattern));
}

function matches(uri: string, pattern: string): boolean {
  const [before, after] = pattern.split('*');
  if (before === undefined || after === undefined) return uri === pattern;
  if (!uri.startsWith(before) || !uri.endsWith(after)) return false;
  return new RegExp(`^${label}$`).test(uri.slice(before.length, uri.length - after.length));
}
