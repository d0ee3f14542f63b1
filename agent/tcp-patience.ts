/**
 * How long the kernel goes on sending to a host that has fallen silent. QEMU stops a guest for the last part of its memory and
 * holds all its locks until that part is acknowledged, so nobody can call the hand-over off then; seen with QEMU 7.2: with
 * the kernel's 15 retries a cable that is pulled at that moment stops the guest for a quarter of an hour.
 */
import { readLine } from './read-line.js';

const retriesPath = '/proc/sys/net/ipv4/tcp_retries2';

/** The kernel's TCP_RTO_MIN and TCP_RTO_MAX; on a local network the first pause is the shortest. */
const firstPauseMs = 200;
const longestPauseMs = 120_000;
/** What 8 retries come to, the least that RFC 1122 (4.2.3.5) asks of a connection: whoever has set that has thought of it. */
const tolerableMs = silenceMs(8);

/** For how long data is sent again and again before a connection is given up, in milliseconds. */
export function silenceMs(retries: number): number {
  let total = 0;
  for (let n = 0; n <= retries; n++) total += Math.min(firstPauseMs * 2 ** n, longestPauseMs);
  return total;
}

/** What to say of this host's setting, or null when it is good, or when there is none to read. */
export function tcpPatienceProblem(path = retriesPath): string | null {
  const text = readLine(path);
  if (!/^\d{1,3}$/.test(text)) return null;
  const retries = Number(text);
  const ms = silenceMs(retries);
  if (ms <= tolerableMs) return null;
  return (
    `a hand-over whose network fails at the wrong moment may stop its guest for ${Math.round(ms / 60_000)} minutes: ` +
    `set net.ipv4.tcp_retries2 to 6 (it is ${retries}; see deploy/sysctl/secovia-agent.conf) and start the agent again`
  );
}
