/**
 * Requests with what they must not hold: each is refused in words, or does no harm. A test file gives a request that would
 * be in order for each of its methods, and every field of it is filled in turn.
 */
import { readFileSync } from 'node:fs';
import { createFileRegistry, type DescField, type DescMessage, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { test } from 'tap';
import { descriptorSetPath } from '../../../proto/contract.js';
import { holdsAsync } from '../holds.js';
import {
  type Api,
  definitionOf,
  encode,
  type Failure,
  failureOf,
  type MethodName,
  methodNames,
} from './client.js';

export interface Attempt {
  bytes: Buffer;
  what: string;
}

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptorSetPath)));

function inputOf(method: string): DescMessage {
  const { path } = definitionOf(method);
  const [, service = ''] = path.split('/');
  const found = registry.getService(service)?.methods.find(({ name }) => name === method);
  if (found === undefined) throw new Error(`no method ${path}`);
  return found.input;
}

const hostileTexts = [
  '',
  ' ',
  '-',
  '/',
  '//',
  'sites/',
  'sites/a/b',
  'administrations/adm/vms/',
  'administrations/-',
  '../../etc/passwd',
  "'; DROP TABLE vm; --",
  '<domain type="kvm">&amp;<![CDATA[x]]></domain>',
  '"\'`$(reboot)`',
  'a\nb',
  'a\r\nb: c',
  'a\0b',
  '\u001b[31mred',
  '\u202egnp.exe',
  '\u2066x\u2069',
  '\u200f',
  '\ud83d',
  '\u{1f600}'.repeat(300),
  'č'.repeat(201),
  '__proto__',
  'constructor',
  'sites/__proto__',
  'sites/constructor',
  'images/toString',
  'administrations/__proto__/vms/constructor',
  'A'.repeat(64),
  'a'.repeat(5000),
  `sites/${'a'.repeat(80_000)}`,
  `administrations/${'a'.repeat(20_000)}/vms/${'b'.repeat(20_000)}`,
  `"${'9'.repeat(20_000)}"`,
];
const hostileNumbers = [0, -0, -1, 1, 2 ** 31 - 1, -(2 ** 31), 513, 63, 16_777_217, 67_108_865];
const hostileKeys = ['__proto__', 'constructor', 'toString', '', 'A', 'a b', 'ž', 'a\0', 'x'.repeat(10_000)];

type Path = (string | number)[];
/** A change of one field: where, and to what. */
interface Change {
  path: Path;
  value: unknown;
}

/** What may be put into a field, by its type. */
function hostileValues(field: DescField): unknown[] {
  switch (field.fieldKind) {
    case 'scalar':
      if (field.scalar === 9) return hostileTexts;
      if (field.scalar === 8) return [true, false];
      if (field.scalar === 12) return [Buffer.alloc(0), Buffer.alloc(100_000, 255)];
      return hostileNumbers;
    case 'enum':
      return [0, 99, -1, 2 ** 31 - 1];
    case 'message':
      return [null, {}];
    case 'map':
      // What counts 64 bits cannot even be sent as text.
      if (field.mapKind === 'scalar' && field.scalar === 3)
        return [
          {},
          ...hostileKeys.map((key) => Object.fromEntries([[key, 1]])),
          ...hostileNumbers.map((number) => ({ key: number })),
          Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`k${index}`, 1])),
        ];
      return [
        {},
        ...hostileKeys.map((key) => Object.fromEntries([[key, 'x']])),
        ...hostileTexts.map((text) => ({ key: text })),
        Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`k${index}`, 'x'])),
      ];
    case 'list':
      return [[], ...listsOf(field)];
  }
}

function listsOf(field: DescField & { fieldKind: 'list' }): unknown[] {
  if (field.listKind === 'scalar') {
    return [...hostileTexts.map((text) => [text]), Array.from({ length: 5000 }, () => 'x'), ['x', 'x']];
  }
  return [[{}], [{}, {}], Array.from({ length: 1001 }, () => ({}))];
}

/** Every field of a message that a request could carry, with the fields of its messages. */
function fieldsOf(message: DescMessage, at: Path = [], depth = 0): { path: Path; field: DescField }[] {
  return message.fields.flatMap((field) => {
    const path = [...at, field.localName];
    const own = [{ path, field }];
    if (depth > 3) return own;
    if (field.fieldKind === 'message') return [...own, ...fieldsOf(field.message, path, depth + 1)];
    if (field.fieldKind === 'list' && field.listKind === 'message') {
      return [...own, ...fieldsOf(field.message, [...path, 0], depth + 1)];
    }
    return own;
  });
}

function changed(request: object, { path, value }: Change): object {
  const copy = structuredClone(request) as Record<string, unknown>;
  let at: Record<string | number, unknown> = copy;
  for (const step of path.slice(0, -1)) {
    const next = at[step];
    if (typeof next !== 'object' || next === null)
      at[step] = typeof path[path.indexOf(step) + 1] === 'number' ? [] : {};
    at = at[step] as Record<string | number, unknown>;
  }
  at[path.at(-1) as string] = value;
  return copy;
}

const fine = new Set([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.FAILED_PRECONDITION,
  status.ABORTED,
  status.RESOURCE_EXHAUSTED,
]);

/** The failure of a call, which must be of the right kind; null when it was accepted. */
async function attempt(api: Api, method: MethodName, bytes: Buffer, what: string): Promise<Failure | null> {
  try {
    await api.bytes(method, bytes);
    return null;
  } catch (error) {
    const failure = failureOf(error as Parameters<typeof failureOf>[0]);
    const problem = wrong(failure);
    if (problem === null) return failure;
    throw new Error(`${method} ${what.slice(0, 300)}: ${problem}: ${JSON.stringify(failure).slice(0, 500)}`);
  }
}

/** Makes many calls at once: those that are refused must leave everything as it was. */
async function attemptAll(api: Api, method: MethodName, calls: Attempt[]): Promise<Failure[]> {
  const before = await api.sequence();
  const outcomes = await Promise.all(calls.map(({ bytes, what }) => attempt(api, method, bytes, what)));
  const failures = outcomes.filter((outcome) => outcome !== null);
  const changes = (await api.sequence()) - before;
  if (changes > calls.length - failures.length) {
    throw new Error(
      `${method} ${calls[0]?.what}: ${changes} changes by ${calls.length - failures.length} calls`,
    );
  }
  return failures;
}

function wrong({ code, reason, message, details }: Failure): string | null {
  if (!fine.has(code)) {
    const unavailable = code === status.UNAVAILABLE && reason === 'NO_HOST';
    if (!unavailable) return `status ${status[code]}`;
  }
  if (reason === '') return 'no reason';
  if (message.length > 2000) return 'a message of a book';
  if (code === status.INVALID_ARGUMENT && reason === 'INVALID_FIELDS' && !details.fieldViolations?.length) {
    return 'no field is named';
  }
  if (code === status.NOT_FOUND && !details.resource?.type) return 'no resource is named';
  return null;
}

/** Defines the tests of these methods. What is returned makes other calls in the same way. */
export function fuzz<M extends MethodName>(api: Api, baselines: Record<M, object>) {
  const methods = methodNames.filter((name): name is M => name in baselines);

  for (const method of methods) {
    test(`${method}: each field, filled with what it must not hold, is refused in words or does no harm`, async (t) => {
      let refused = 0;
      let tried = 0;
      const baseline = baselines[method];
      for (const { path, field } of fieldsOf(inputOf(method))) {
        const calls = hostileValues(field).map((value) => ({
          bytes: encode(method, changed(baseline, { path, value })),
          what: `${path.join('.')} = ${JSON.stringify(value)}`,
        }));
        tried += calls.length;
        refused += (await attemptAll(api, method, calls)).length;
      }
      t.ok(tried === 0 || refused > 0 || method === 'GetFederation', `${refused} of ${tried} were refused`);
    });
  }

  test('several things wrong at once are refused as well', async (t) => {
    const plan = fc.constantFrom(...methods).chain((method) => {
      const fields = fieldsOf(inputOf(method));
      if (fields.length === 0) return fc.constant({ method, changes: [] as Change[] });
      const change = fc
        .constantFrom(...fields)
        .chain(({ path, field }) =>
          fc.constantFrom(...hostileValues(field)).map((value) => ({ path, value })),
        );
      return fc.record({
        method: fc.constant(method),
        changes: fc.array(change, { minLength: 2, maxLength: 5 }),
      });
    });
    await holdsAsync(
      t,
      fc.asyncProperty(plan, async ({ method, changes }) => {
        const request = changes.reduce(changed, baselines[method]);
        await attemptAll(api, method, [{ bytes: encode(method, request), what: JSON.stringify(changes) }]);
      }),
      200,
    );
  });

  test('bytes that are no message are refused as such', async (t) => {
    const cases = fc.oneof(
      fc
        .uint8Array({ maxLength: 200 })
        .map((bytes) => ({ how: 'random', bytes: Buffer.from(bytes), cut: 0 })),
      fc.nat(200).map((cut) => ({ how: 'cut', bytes: Buffer.alloc(0), cut })),
      fc
        .tuple(fc.nat(200), fc.nat(255))
        .map(([cut, byte]) => ({ how: 'flipped', bytes: Buffer.from([byte]), cut })),
    );
    let malformed = 0;
    await holdsAsync(
      t,
      fc.asyncProperty(fc.constantFrom(...methods), cases, async (method, { how, bytes, cut }) => {
        const good = encode(method, baselines[method]);
        const at = good.length === 0 ? 0 : cut % good.length;
        const broken = Buffer.from(good);
        if (how === 'flipped' && good.length > 0) broken[at] = bytes[0] as number;
        const sent = how === 'random' ? bytes : how === 'cut' ? good.subarray(0, at) : broken;
        const [failure] = await attemptAll(api, method, [
          { bytes: sent, what: `${how} ${sent.toString('hex')}` },
        ]);
        if (failure?.reason === 'MALFORMED') malformed += 1;
      }),
      300,
    );
    t.ok(malformed > 0, `${malformed} were malformed`);
  });

  return (method: M, calls: Attempt[]) => attemptAll(api, method, calls);
}
