/**
 * A failed call in the words of its user: one plain sentence with the code, what to do next, and an exit code. The
 * scheduler's own message is the sentence; what it cannot know (which flag, which command) is added here.
 */
import type { ErrorDetails } from '../../proto/errors.js';
import type { GroupRule__Output } from '../../proto/gen/secovia/v1/GroupRule.js';
import { type ExitCode, exitCodes, Failure } from '../failure.js';
import { harmless } from '../output/harmless.js';
import { formatDuration } from '../values/durations.js';
import { formatGroup } from '../values/groups.js';
import { shortName } from '../values/names.js';
import { quotaWords } from '../values/scopes.js';

/** The parts of a failure that the sentence is made of; `code` is the status as a word, e.g. `NOT_FOUND`. */
export interface CallFailureParts {
  code: string;
  message: string;
  details: ErrorDetails;
  server: string;
  /** Of a mutation: its request id. */
  requestId?: string;
}

const exitCodeOf: Record<string, ExitCode> = {
  INVALID_ARGUMENT: exitCodes.usage,
  OUT_OF_RANGE: exitCodes.usage,
  NOT_FOUND: exitCodes.notFound,
  FAILED_PRECONDITION: exitCodes.refused,
  RESOURCE_EXHAUSTED: exitCodes.refused,
  ALREADY_EXISTS: exitCodes.refused,
  ABORTED: exitCodes.refused,
  PERMISSION_DENIED: exitCodes.refused,
  UNAUTHENTICATED: exitCodes.refused,
  UNAVAILABLE: exitCodes.unreachable,
  DEADLINE_EXCEEDED: exitCodes.unreachable,
};

/** A failure that came from the scheduler; kept apart so that callers can ask for its code. */
export class CallFailure extends Failure {
  readonly code: string;
  readonly reason: string | undefined;
  /** What the scheduler told with the reason. */
  readonly metadata: Readonly<Record<string, string>>;

  constructor(parts: CallFailureParts) {
    const { sentence, lines } = wording(parts);
    super(sentence, exitCodeOf[parts.code] ?? exitCodes.unexpected, lines);
    this.code = parts.code;
    this.reason = parts.details.errorInfo?.reason;
    this.metadata = parts.details.errorInfo?.metadata ?? {};
  }
}

/** One sentence, and lines for below it. */
export function wording(parts: CallFailureParts): { sentence: string; lines: string[] } {
  const { code, message, details } = parts;
  const reason = details.errorInfo?.reason;
  const label = reason === undefined || reason === '' ? code : `${code}, ${harmless(reason)}`;
  const faults = (details.fieldViolations ?? []).map((each) => `${each.field}: ${each.description}`);
  const more = (details.preconditions ?? [])
    .filter(({ description }) => description !== message)
    .map(({ subject, description }) => `${subject}: ${description}`);
  const limits = (details.quota ?? [])
    .filter(({ description }) => !message.includes(description))
    .map(({ subject, description }) => `${quotaSubject(subject)}: ${description}`);
  // Several faults read better one a line than in one long sentence.
  const listed = faults.length > 1 || !faults.every((fault) => message.includes(fault));
  const text = faults.length > 1 ? `${faults.length} values cannot be right` : bareMessage(parts);
  return {
    sentence: `${text} (${label}).${advice(parts)}`,
    lines: [...(listed ? faults : []), ...limits, ...more].map((line) => `  ${harmless(line)}`),
  };
}

/** `the quota of osijek in HR`, `agreement acme-osijek`; another name as it is. */
function quotaSubject(subject: string): string {
  const quota = quotaWords(subject);
  if (quota !== undefined) return `the quota of ${quota.administration} ${quota.where}`;
  return subject.startsWith('agreements/') ? `agreement ${shortName(subject)}` : subject;
}

/** The command that shows the limit that is exhausted; empty when none is named. */
function quotaAdvice({ quota = [] }: ErrorDetails): string {
  const subject = quota[0]?.subject ?? '';
  const administration = quotaWords(subject)?.administration;
  if (administration !== undefined) return `See it with: secovia quota show ${harmless(administration)}`;
  return subject.startsWith('agreements/')
    ? `See it with: secovia agreement show ${harmless(shortName(subject))}`
    : '';
}

function bareMessage({ code, message, server }: CallFailureParts): string {
  if (code === 'UNAVAILABLE' && isTransport(message)) {
    return `cannot reach the scheduler at ${server}: ${transportReason(message)}`;
  }
  if (code === 'DEADLINE_EXCEEDED' && isTransport(message)) {
    return `the scheduler at ${server} did not answer in time`;
  }
  const text = harmless(message)
    .trim()
    .replace(/[.\s]+$/, '');
  return text === '' ? 'the scheduler gave no message' : text;
}

/** Whether grpc-js wrote the message, and not the scheduler. */
export function isTransport(message: string): boolean {
  return /^(No connection established|Name resolution|Connection dropped|Deadline exceeded|read E|write E|connect E|socket hang up|The server is going away|Received RST_STREAM|Call cancelled|Keepalive|Failed to connect|Call ended without)/i.test(
    message,
  );
}

function transportReason(message: string): string {
  const distrust = distrustReason(message);
  if (distrust !== null) return distrust;
  if (/ECONNREFUSED/.test(message)) return 'nothing listens there';
  if (/^Name resolution|ENOTFOUND|EAI_AGAIN/.test(message)) return 'the name is not known';
  if (/EHOSTUNREACH|ENETUNREACH/.test(message)) return 'there is no route to it';
  if (/ETIMEDOUT/.test(message)) return 'it does not answer';
  return 'the connection broke';
}

/** Why the other end is not believed to be the scheduler; null when that is not what is wrong. */
function distrustReason(message: string): string | null {
  // In the words of proto/credentials.ts, which is too heavy to be loaded for them.
  const stranger = /the server is not the scheduler of federation [a-z0-9-]+/.exec(message)?.[0];
  if (stranger !== undefined) return stranger;
  if (/self[- ]signed certificate|unable to (get|verify)|certificate signature failure/i.test(message))
    return 'its certificate is of another authority than yours';
  if (/certificate has expired|certificate is not yet valid/.test(message))
    return 'its certificate is not good at this time; compare the clocks of both machines';
  if (/unsuitable certificate purpose/.test(message)) return 'its certificate is not that of a server';
  if (/wrong version number|packet length too long|record layer failure/i.test(message))
    return 'what listens there does not speak TLS; it may run with --insecure';
  return null;
}

/** Nothing of this kind heals within a timeout, so it is not tried again. */
export function isHopeless(code: string, message: string): boolean {
  if (code !== 'UNAVAILABLE') return false;
  return (
    /^Name resolution|ENOTFOUND/.test(message) || (isTransport(message) && distrustReason(message) !== null)
  );
}

const listCommands: Record<string, string> = {
  site: 'secovia site list',
  host: 'secovia host list',
  administration: 'secovia administration list',
  image: 'secovia image list',
  'storage pool': 'secovia pool list',
  vm: 'secovia vm list --all',
  operation: 'secovia operation list',
  partner: 'secovia partner list',
  quota: 'secovia quota list',
  loan: 'secovia lend list',
  'data class': 'secovia class list',
  'residency rule': 'secovia residency list',
  agreement: 'secovia agreement list',
};

function advice(parts: CallFailureParts): string {
  const text = adviceOf(parts);
  return text === '' ? '' : ` ${text}`;
}

/** What to do next, where the reason is known. */
const adviceByReason: Record<string, (details: ErrorDetails) => string> = {
  NO_HOST: ({ errorInfo }) =>
    errorInfo?.metadata['displace_count'] === undefined
      ? 'Ask for less, or add a host; secovia vm explain says more.'
      : 'To have them stopped and make room, say --preempt confirm.',
  NO_ROOM: () => 'Ask for less, or delete and make it anew elsewhere.',
  NOT_ENOUGH_UNUSED: ({ errorInfo }) =>
    `See it with: secovia quota show ${harmless(errorInfo?.metadata['administration'] ?? 'ADMINISTRATION')}`,
  POOL_FULL: () => 'Ask for less, or leave --pool out.',
  NOT_LAWFUL: ({ errorInfo }) => {
    const { administration, data_class: dataClass } = errorInfo?.metadata ?? {};
    if (administration === undefined || dataClass === undefined) return '';
    const said = dataClass === 'internal' ? '' : ` --data-class ${harmless(dataClass)}`;
    return `See where it may be: secovia residency explain ${harmless(administration)}${said}`;
  },
  // A change that is said again is not always the same to the byte: it may carry an etag, a new key, or a time that begins now.
  REQUEST_ID_REUSED: () =>
    'A call with this id has been carried out, or is under way: look at what it has done, and leave --request-id out to ask for something else.',
  GROUP_DIFFERS: ({ errorInfo }) => {
    const rule = groupRuleOf(errorInfo?.metadata ?? {});
    return rule === undefined ? '' : `What they say is --group ${harmless(rule)}`;
  },
  OPERATION_UNDER_WAY: ({ errorInfo }) => {
    const operation = harmless(shortName(errorInfo?.metadata['operation'] ?? ''));
    return operation === '' ? '' : `Wait for it with: secovia operation wait ${operation}`;
  },
};

/** The rule in the words of the command line, `NAME` standing for the group; undefined when it is not told. */
function groupRuleOf({ policy = '', scope = '', soft, maxSkew }: Record<string, string>): string | undefined {
  if (policy === '' || scope === '') return undefined;
  return formatGroup({
    group: 'NAME',
    policy: `GROUP_POLICY_${policy.toUpperCase()}` as GroupRule__Output['policy'],
    scope: `GROUP_SCOPE_${scope.toUpperCase()}` as GroupRule__Output['scope'],
    soft: soft === 'true',
    maxSkew: Number(maxSkew) || 0,
  });
}

function adviceOf(parts: CallFailureParts): string {
  const { code, message, details, requestId } = parts;
  const repeat = requestId === undefined ? '' : ` Repeat it safely with --request-id ${requestId}.`;
  const byReason = adviceByReason[details.errorInfo?.reason ?? ''];
  if (byReason !== undefined && code !== 'UNAVAILABLE') return byReason(details);
  switch (code) {
    case 'NOT_FOUND': {
      const list = listCommands[(details.resource?.type ?? '').toLowerCase()];
      return list === undefined ? 'Check the name.' : `See what there is: ${list}`;
    }
    case 'ALREADY_EXISTS':
      return saysWhatToDo(message) ? '' : 'Choose another name.';
    case 'ABORTED':
      return saysWhatToDo(message) ? '' : 'Look at it again and repeat the command.';
    case 'RESOURCE_EXHAUSTED':
      return quotaAdvice(details) || retryAdvice(details);
    case 'UNAVAILABLE':
      return isTransport(message)
        ? `Check --server or SECOVIA_SERVER, and that the scheduler runs.${repeat}`
        : retryAdvice(details);
    case 'DEADLINE_EXCEEDED':
      return requestId === undefined
        ? 'Give it more time with --timeout.'
        : `Whether it was carried out is not known.${repeat}`;
    case 'UNAUTHENTICATED':
    case 'PERMISSION_DENIED':
      return 'Ask whoever runs the federation for access.';
    case 'UNIMPLEMENTED':
      return 'This scheduler does not offer that; compare versions with secovia version.';
    case 'INTERNAL':
    case 'UNKNOWN':
    case 'DATA_LOSS':
      return `That is a fault of the scheduler; its log says more.${repeat}`;
    default:
      return '';
  }
}

/** The scheduler's sentences put it after a semicolon. */
function saysWhatToDo(message: string): boolean {
  return message.includes('; ');
}

function retryAdvice(details: ErrorDetails): string {
  return details.retryDelayMs === undefined
    ? 'Try again later.'
    : `Try again in ${formatDuration(details.retryDelayMs)}.`;
}
