/** What comes next in a fence, and what is remembered of orders: pure, so every turn of events can be played. */
import fc from 'fast-check';
import t from 'tap';
import { FenceDesk } from '../../agent/fencing/desk.js';
import { type FenceAnswer, type FenceEffect, fence, type FenceVerdict } from '../../agent/fencing/fence.js';
import { readGuid } from '../../agent/fencing/guid.js';
import type { FenceMethod } from '../../agent/fencing/method.js';
import { summary } from '../../agent/fencing/target-watch.js';
import { uidOf } from './world.js';

const guid = '0123456789abcdef0123456789abcdef';
const other = 'fedcba9876543210fedcba9876543210';
const order = { id: uidOf(1), host: 'h2', controllerGuid: guid };

const method = (program: string, change: Partial<FenceMethod> = {}): FenceMethod => ({
  program,
  options: {},
  timeoutSeconds: 20,
  ...change,
});

type Answers = (effect: FenceEffect, asked: number) => FenceAnswer & { tookMs?: number };

/** Plays a fence to its end; each answer takes 100 ms unless it says otherwise. */
function play(
  methods: FenceMethod[],
  answers: Answers,
  asked = order,
  standsUntilMs = Number.POSITIVE_INFINITY,
) {
  let now = 0;
  const effects: FenceEffect[] = [];
  const sequence = fence(
    asked,
    methods,
    () => now,
    () => now < standsUntilMs,
  );
  let next = sequence.next();
  while (!next.done) {
    const effect = next.value;
    effects.push(effect);
    if (effects.length > 500) throw new Error('it does not end');
    const { tookMs, ...answer } =
      effect.kind === 'pause'
        ? { ok: true as const, said: '', tookMs: effect.limitMs }
        : answers(effect, effects.length);
    now += tookMs ?? 100;
    next = sequence.next(answer);
  }
  const kinds = effects
    .filter(({ kind }) => kind !== 'pause')
    .map((effect) => `${effect.kind} ${effect.method.program}`);
  return { verdict: next.value, kinds, now, effects };
}

const said = (text: string): FenceAnswer => ({ ok: true, said: text });
const problem = (text: string, never = false): FenceAnswer => ({
  ok: false,
  problem: text,
  ...(never ? { never } : {}),
});

/** A controller that works. */
const good: Answers = ({ kind }) => said(kind === 'readGuid' ? guid : kind === 'readPower' ? 'off' : '');

t.test('no power is taken by an order that is too old: its host may be well again', (t) => {
  const slow: Answers = ({ kind }) => {
    if (kind === 'powerOff') return { ...problem('it hangs'), tookMs: 100_000 };
    return said(kind === 'readGuid' ? guid : 'on');
  };
  const methods = ['fence_a', 'fence_b', 'fence_c'].map((name) => method(name, { timeoutSeconds: 100 }));
  const { verdict, kinds, now } = play(methods, slow);
  t.match(verdict, { outcome: 'failed', message: /fence_c was not tried: the order is too old/ });
  t.same(
    kinds.filter((kind) => kind.startsWith('powerOff')),
    ['powerOff fence_a', 'powerOff fence_b'],
  );
  t.ok(now < 300_000);
  const late: Answers = ({ kind }) =>
    kind === 'readGuid' ? { ...said(guid), tookMs: 160_000 } : good({ kind } as FenceEffect, 0);
  t.match(play([method('fence_a', { timeoutSeconds: 600 })], late), {
    kinds: ['readGuid fence_a'],
    verdict: { outcome: 'failed', message: /not powered off: the order is too old/ },
  });
  t.end();
});

t.test('nothing is begun by an order that was withdrawn, and what was begun goes on to its end', (t) => {
  const works = [method('fence_a'), method('fence_b')];
  t.match(play(works, good, order, 0), {
    kinds: [],
    verdict: { outcome: 'failed', message: /fence_b was not tried: the order was withdrawn/ },
  });
  t.match(play(works, good, order, 100), {
    kinds: ['readGuid fence_a'],
    verdict: { outcome: 'failed', message: /fence_a: it was not powered off: the order was withdrawn/ },
  });
  const refuses: Answers = ({ kind }) => said(kind === 'readGuid' ? guid : 'on');
  const { kinds, verdict } = play(works, refuses, order, 200);
  t.same(new Set(kinds), new Set(['readGuid fence_a', 'powerOff fence_a', 'readPower fence_a']));
  t.match(verdict, { outcome: 'failed', message: /it is still on; fence_b was not tried/ });
  t.match(play(works, good, order, 200).verdict, { outcome: 'off' });
  t.end();
});

t.test('a host is fenced when its own controller reads back that it is off', async (t) => {
  const { verdict, kinds } = play([method('fence_a'), method('fence_b')], good);
  t.same(verdict, { outcome: 'off', method: 'fence_a', message: 'fence_a reads back that it is off' });
  t.same(kinds, ['readGuid fence_a', 'powerOff fence_a', 'readPower fence_a'], 'the second is not needed');
});

t.test('F1: a program that says it was done proves nothing', async (t) => {
  const { verdict, now } = play([method('fence_a')], (effect, asked) =>
    effect.kind === 'readPower' ? said('on') : good(effect, asked),
  );
  t.match(verdict, {
    outcome: 'failed',
    method: '',
    message: /not read back as off in 20 s: it is still on/,
  });
  t.ok(now <= 21_000, `${now} ms`);
});

t.test('an off that takes a while is waited for', async (t) => {
  let reads = 0;
  const { verdict } = play([method('fence_a')], (effect, asked) =>
    effect.kind === 'readPower' ? said(++reads < 5 ? 'on' : 'off') : good(effect, asked),
  );
  t.equal(verdict.outcome, 'off');
});

t.test('an off that fails or hangs may have worked: what is read back counts', async (t) => {
  for (const tookMs of [100, 20_000]) {
    const { verdict, effects } = play([method('fence_a')], (effect, asked) =>
      effect.kind === 'powerOff' ? { ...problem('no answer in 20 s'), tookMs } : good(effect, asked),
    );
    t.match(verdict, { outcome: 'off', message: /no answer in 20 s/ });
    t.ok((effects.at(-1)?.limitMs ?? 0) >= 5_000, 'time is left for the last look');
  }
});

t.test('when the first method fails the second is tried, within its own time', async (t) => {
  const { verdict, kinds, effects } = play([method('fence_a'), method('fence_b')], (effect, asked) => {
    if (effect.method.program === 'fence_b') return good(effect, asked);
    return effect.kind === 'readGuid' ? said(guid) : { ...problem('broken'), tookMs: 30_000 };
  });
  t.match(verdict, { outcome: 'off', method: 'fence_b' });
  t.same(kinds.slice(0, 3), ['readGuid fence_a', 'powerOff fence_a', 'readPower fence_a']);
  t.equal(effects.find((effect) => effect.method.program === 'fence_b')?.limitMs, 20_000);
});

t.test('F2: another controller is not touched', async (t) => {
  const { verdict, kinds } = play([method('fence_a')], () => said(other));
  t.match(verdict, {
    outcome: 'unmatched',
    method: '',
    message: new RegExp(`is ${other}, and h2 has ${guid}`),
  });
  t.same(kinds, ['readGuid fence_a']);
});

t.test('a controller that does not answer is a failure, one that nobody can ask is unmatched', async (t) => {
  t.equal(play([method('fence_a')], () => problem('silence')).verdict.outcome, 'failed');
  t.equal(play([method('fence_a')], () => problem('unknowable', true)).verdict.outcome, 'unmatched');
  const mixed = play([method('fence_a'), method('fence_b')], ({ method: { program } }) =>
    program === 'fence_a' ? problem('unknowable', true) : problem('silence'),
  );
  t.equal(mixed.verdict.outcome, 'failed', 'another time it may work');
});

t.test('a host that has not said what its controller is, is left alone', async (t) => {
  for (const controllerGuid of ['', '0'.repeat(32), 'F'.repeat(32), 'x']) {
    const { verdict, kinds } = play([method('fence_a')], good, { ...order, controllerGuid });
    t.match(verdict, { outcome: 'unmatched', message: /h2 has not said/ });
    t.same(kinds, []);
  }
});

t.test(
  'whatever controllers answer, nothing is switched off unmatched, and off is only what was read',
  async (t) => {
    const answer = fc.record({
      guid: fc.constantFrom(said(guid), said(other), problem('silence'), problem('unknowable', true)),
      off: fc.constantFrom(said(''), problem('broken')),
      power: fc.constantFrom(said('on'), said('off'), problem('silence')),
      tookMs: fc.constantFrom(0, 100, 7_000, 30_000),
    });
    fc.assert(
      fc.property(fc.array(answer, { minLength: 1, maxLength: 4 }), (controllers) => {
        const methods = controllers.map((_, index) => method(`fence_${index}`));
        const { verdict, effects } = play(methods, ({ kind, limitMs, method: { program } }) => {
          const {
            guid: identity,
            off,
            power,
            tookMs,
          } = controllers[Number(program.slice(6))] ?? controllers[0]!;
          const heard = kind === 'readGuid' ? identity : kind === 'powerOff' ? off : power;
          // A program that takes longer is killed.
          return { ...heard, tookMs: Math.min(tookMs, limitMs) };
        });
        const matched = (index: number) => {
          const { guid: identity } = controllers[index] ?? {};
          return identity?.ok === true && identity.said === guid;
        };
        const touched = effects
          .filter(({ kind }) => kind === 'powerOff')
          .map((effect) => methods.indexOf(effect.method));
        if (!touched.every(matched)) throw new Error('another controller was touched');
        const proven = controllers.findIndex(
          ({ power }, index) => matched(index) && power.ok && power.said === 'off',
        );
        const expected: FenceVerdict['outcome'] =
          proven !== -1
            ? 'off'
            : controllers.some(
                  ({ guid: identity }, index) => matched(index) || (!identity.ok && identity.never !== true),
                )
              ? 'failed'
              : 'unmatched';
        if (verdict.outcome !== expected) throw new Error(`${verdict.outcome} instead of ${expected}`);
        if (verdict.method !== (proven === -1 ? '' : `fence_${proven}`))
          throw new Error(`by ${verdict.method}`);
      }),
      { numRuns: 2_000 },
    );
    t.pass('2,000 sites');
  },
);

t.test('an order is carried out once, however often it is said', async (t) => {
  const desk = new FenceDesk('h1', { h2: [method('fence_a')], h3: [method('fence_a')] });
  t.match(desk.order(order, '', 1), { kind: 'carryOut', order, methods: [{ program: 'fence_a' }] });
  t.same(desk.order(order, '', 2), { kind: 'underWay' });
  t.same(desk.underWay(), ['h2']);
  t.match(desk.order({ ...order, id: uidOf(2) }, '', 3), {
    kind: 'answer',
    result: { id: uidOf(2), outcome: 'failed', message: 'another order against h2 is being carried out' },
  });
  t.match(
    desk.order({ ...order, id: uidOf(3), host: 'h3' }, '', 3),
    { kind: 'carryOut' },
    'another host is another matter',
  );
  const result = desk.done(order, { outcome: 'off', method: 'fence_a', message: 'done' }, 4);
  t.same(desk.order(order, '', 5), { kind: 'answer', result });
  t.same(desk.underWay(), ['h3']);
  t.match(desk.order({ ...order, id: uidOf(4) }, '', 6), { kind: 'carryOut' }, 'a new order is a new fence');
  t.equal(desk.last()?.id, uidOf(1));
});

t.test('an order stands until it is withdrawn, and its result is kept all the same', async (t) => {
  const desk = new FenceDesk('h1', { h2: [method('fence_a')] });
  desk.withdraw(order.id);
  desk.order(order, '', 1);
  t.ok(desk.stands(order), 'what was withdrawn before it came is another matter');
  desk.withdraw(uidOf(9));
  t.ok(desk.stands(order));
  desk.withdraw(order.id);
  t.notOk(desk.stands(order));
  const result = desk.done(order, { outcome: 'failed', method: '', message: 'withdrawn' }, 2);
  t.same(desk.order(order, '', 3), { kind: 'answer', result });
});

t.test('what nobody should do is refused', async (t) => {
  const desk = new FenceDesk('h1', { h1: [method('fence_a')], h2: [method('fence_a')] });
  const cases: [string, Parameters<FenceDesk['order']>[0], RegExp][] = [
    ['itself', { ...order, host: 'h1' }, /does not fence itself/],
    ['its own controller', { ...order, controllerGuid: other }, /the management controller of this host/],
    ['a host that it does not know', { ...order, host: 'h9' }, /h9 is not in the fencing settings/],
    ['a word of JavaScript', { ...order, host: 'constructor' }, /not in the fencing settings/],
  ];
  for (const [index, [what, asked, why]] of cases.entries()) {
    const ruling = desk.order({ ...asked, id: uidOf(10 + index) }, other, 1);
    t.match(ruling, { kind: 'answer', result: { outcome: 'failed', message: why } }, what);
  }
  t.match(desk.order({ ...order, id: 'no' }, '', 1), { kind: 'ignore' });
  t.same(desk.underWay(), []);
});

t.test('results are kept for as long as anybody may ask, and not for ever', async (t) => {
  const desk = new FenceDesk('h1', {});
  for (let number = 1; number <= 150; number++) desk.order({ ...order, id: uidOf(number) }, '', number);
  t.equal(desk.last()?.id, uidOf(150));
  t.equal(desk.order({ ...order, id: uidOf(150) }, '', 999).kind, 'answer');
  t.match(desk.order({ ...order, id: uidOf(51) }, '', 999), { result: { wallMs: 51 } });
  t.match(
    desk.order({ ...order, id: uidOf(50) }, '', 999),
    { result: { wallMs: 999 } },
    'forgotten, and asked anew',
  );
});

t.test('a GUID is read from whatever ipmitool makes of it', async (t) => {
  const dashed = '01234567-89ab-cdef-0123-456789abcdef';
  const texts = [
    `System GUID  : ${dashed}\nTimestamp    : 11/26/2026 04:00:00\n`,
    `System GUID  : ${dashed.toUpperCase()}\nGUID Encoding: SMBIOS (auto detected)\n`,
    `System GUID  : ${guid}\n`,
    `Warning: something\nDevice GUID : ${dashed}\n`,
    `GUID: ${dashed}`,
    `${dashed}\n`,
    guid,
  ];
  for (const text of texts) t.equal(readGuid(text), guid, text);
  for (const text of [
    '',
    'Get GUID command failed: Invalid command',
    `System GUID : ${'0'.repeat(32)}`,
    'ff'.repeat(16),
    `${guid}0`,
    'x'.repeat(32),
  ]) {
    t.equal(readGuid(text), null, text);
  }
});

t.test('what several methods say of a host is one word', async (t) => {
  const two = [method('fence_a'), method('fence_b')];
  t.same(summary(two, [said(guid), said(guid)]), { guid, problem: '' });
  t.same(summary(two, [problem('silence'), said(guid)]), { guid, problem: 'fence_a: silence' });
  t.same(summary(two, [said(guid), said(other)]), {
    guid,
    problem: `its methods reach different controllers: ${guid}, ${other}`,
  });
});
