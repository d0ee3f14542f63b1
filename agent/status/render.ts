/** The status as a page for people. Colours only where `styleText` is told that somebody can see them. */
import { styleText } from 'node:util';
import type { AgentStatus, Amounts, GuestStatus } from './snapshot.js';

type Style = 'green' | 'yellow' | 'red' | 'bold' | 'dim';
type Paint = (style: Style, text: string) => string;

const shownErrors = 5;
const shownReasons = 10;

const goodStates = new Set(['running', 'stopped']);
const badStates = new Set(['crashed', 'missing', 'refused', 'unknown', 'paused']);

export function renderStatus(status: AgentStatus, colours: boolean): string {
  const paint: Paint = (style, text) => (colours ? styleText(style, text, { validateStream: false }) : text);
  const { link, libvirt } = status;
  const health = status.health === 'healthy' ? paint('green', '● healthy') : paint('yellow', '● degraded');
  const lines = [
    `${paint('bold', status.host)}  ${health}  ${paint('dim', `agent ${status.version}, up ${duration(status.upMs)}`)}`,
    ...status.reasons.slice(0, shownReasons).map((reason) => `  ${paint('yellow', reason)}`),
    '',
    row('site', `${status.site}${status.federation === '' ? '' : ` of ${status.federation}`}`),
    row('link', linkText(status, paint)),
    row('lease', leaseText(status, paint)),
    row('identity', certificateText(status, paint)),
    row(
      'libvirt',
      libvirt.available
        ? `${libvirt.version} at ${libvirt.uri}, for ${duration(libvirt.connectedForMs ?? 0)}`
        : paint('red', `${libvirt.uri}: ${libvirt.error}`),
    ),
    '',
    ...capacityLines(status, paint),
    '',
    ...guestLines(status.guests, paint),
  ];
  if (link.epoch !== '') lines.splice(5, 0, row('epoch', link.epoch));
  if (status.checkpoint !== null) {
    lines.splice(6, 0, row('journal', `signed up to decision ${status.checkpoint.sequence}`));
  }
  lines.push(...fencingLines(status, paint));
  if (status.watchdog !== null) lines.push(row('watchdog', watchdogText(status.watchdog, paint)));
  if (status.foreignDomains > 0) lines.push(row('foreign', `${status.foreignDomains} domains, left alone`));
  if (status.orphans.length > 0) lines.push(row('orphans', paint('yellow', status.orphans.join(', '))));
  if (status.images.length > 0) {
    const bytes = status.images.reduce((sum, image) => sum + image.sizeBytes, 0);
    lines.push(row('images', `${status.images.length} in the cache, ${mib(bytes / 1024 / 1024)}`));
  }
  if (status.lastErrors.length > 0) {
    lines.push('', paint('bold', 'last errors'));
    for (const { message, count, agoMs } of status.lastErrors.slice(-shownErrors).reverse()) {
      const times = count > 1 ? ` (${count} times)` : '';
      lines.push(`  ${duration(agoMs).padStart(7)} ago  ${message}${times}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

const row = (label: string, text: string): string =>
  `${label.padEnd(10)}${label.length < 10 ? '' : ' '}${text}`;

function linkText({ link }: AgentStatus, paint: Paint): string {
  const since = duration(link.forMs);
  if (link.state === 'linked') return `${paint('green', 'connected')} to ${link.scheduler} for ${since}`;
  const reason = link.reason === '' ? '' : `: ${link.reason}`;
  return `${paint('red', link.state)} (${link.scheduler}) for ${since}${reason}`;
}

function leaseText({ link }: AgentStatus, paint: Paint): string {
  if (link.leaseEndsInMs === null) return 'none yet';
  const granted = link.lastLeaseAgoMs === null ? '' : `, granted ${duration(link.lastLeaseAgoMs)} ago`;
  if (link.leaseEndsInMs > 0) return `ends in ${duration(link.leaseEndsInMs)}${granted}`;
  return paint(
    'yellow',
    `ended ${duration(-link.leaseEndsInMs)} ago${granted}; guests that do not stop with it run on`,
  );
}

function watchdogText(
  { armed, timeoutSeconds, problem }: NonNullable<AgentStatus['watchdog']>,
  paint: Paint,
): string {
  if (problem !== '') return paint('red', `not armed: ${problem}`);
  if (!armed) return 'not armed: no guest here stops with the lease';
  return `armed: it resets this machine ${timeoutSeconds} to ${2 * timeoutSeconds} s after a lease that guests outlive`;
}

function certificateText({ certificate }: AgentStatus, paint: Paint): string {
  if (certificate === null) return paint('yellow', 'none: there is no TLS');
  const { endsInMs, renewsInMs, error } = certificate;
  const until =
    endsInMs > 0
      ? `certificate for ${duration(endsInMs)}`
      : paint('red', `certificate ended ${duration(-endsInMs)} ago`);
  if (error !== '') return `${until}, ${paint('yellow', `not renewed: ${error}`)}`;
  return `${until}, renewed in ${duration(renewsInMs)}`;
}

function capacityLines({ capacity }: AgentStatus, paint: Paint): string[] {
  const line = (label: string, amounts: Amounts) =>
    `${label.padEnd(10)}${String(amounts.vcpus).padStart(6)}${mib(amounts.memoryMib).padStart(12)}${mib(amounts.diskMib).padStart(12)}`;
  const { total, reserved, claimed, used } = capacity;
  return [
    paint('dim', `${''.padEnd(10)}${'vCPU'.padStart(6)}${'memory'.padStart(12)}${'disk'.padStart(12)}`),
    line('total', total),
    line('reserved', reserved),
    line('claimed', claimed),
    `${'used'.padEnd(10)}${`${used.cpuPercent} %`.padStart(6)}${mib(used.memoryMib).padStart(12)}`,
  ];
}

function guestLines(guests: GuestStatus[], paint: Paint): string[] {
  if (guests.length === 0) return ['no VMs'];
  const nameWidth = Math.max(4, ...guests.map((guest) => shortName(guest).length));
  const head = `${'VM'.padEnd(nameWidth)}  ${'STATE'.padEnd(14)}${'WANTED'.padEnd(10)}${'GEN'.padEnd(9)}${'AGE'.padEnd(8)}ID`;
  return [
    paint('dim', head),
    ...guests.map((guest) => {
      const style: Style = goodStates.has(guest.state)
        ? 'green'
        : badStates.has(guest.state)
          ? 'red'
          : 'yellow';
      const generation = `${guest.generation}/${guest.desiredGeneration}`;
      const note = guest.progress || guest.error;
      return [
        `${shortName(guest).padEnd(nameWidth)}  ${paint(style, guest.state.padEnd(14))}${guest.desired.padEnd(10)}`,
        `${generation.padEnd(9)}${duration(guest.ageMs).padEnd(8)}${guest.uid}${note === '' ? '' : `  ${note}`}`,
      ].join('');
    }),
  ];
}

function fencingLines({ fencing }: AgentStatus, paint: Paint): string[] {
  const { controllerGuid, controllerProblem, targets, underWay, last } = fencing;
  const lines: string[] = [];
  const own = [controllerGuid, controllerProblem === '' ? '' : paint('yellow', controllerProblem)];
  if (own.some((text) => text !== '')) lines.push(row('controller', own.filter(Boolean).join('  ')));
  for (const [index, { host, methods, guid, problem }] of targets.entries()) {
    const how = `${host} by ${methods.join(', then ')}`;
    const what = problem === '' ? `controller ${guid}` : paint('yellow', problem);
    lines.push(row(index === 0 ? 'can fence' : '', `${how}: ${what}`));
  }
  for (const host of underWay) lines.push(row('fencing', paint('yellow', `${host} is being powered off`)));
  if (last !== null) {
    const said = last.message === '' ? '' : ` (${last.message})`;
    const outcome = paint(last.outcome === 'off' ? 'green' : 'yellow', outcomes[last.outcome]);
    lines.push(row('last fence', `${last.host} ${duration(last.agoMs)} ago: ${outcome}${said}`));
  }
  return lines.length === 0 ? [] : ['', ...lines];
}

const outcomes = {
  off: 'off',
  failed: 'not proven to be off',
  unmatched: 'left alone, its controller is another one',
} as const;

const shortName = (guest: GuestStatus): string =>
  guest.name.replace(/^administrations\//, '').replace('/vms/', '/');

function mib(amount: number): string {
  if (amount >= 1024 * 1024) return `${(amount / 1024 / 1024).toFixed(1)} TiB`;
  if (amount >= 1024) return `${(amount / 1024).toFixed(1)} GiB`;
  return `${Math.round(amount)} MiB`;
}

function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}
