import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import Database from 'better-sqlite3';
import tap, { test } from 'tap';
import type { FaultCode } from '../../../cli/audit/verdict.js';
import { holdsAsync } from '../holds.js';
import { SqliteChain } from '../../../scheduler/store/sqlite/sqlite-chain.js';
import { exportOf, smallRecord, verified } from './record.js';

const record = await smallRecord(tap);
tap.teardown(() => record.close());
const { key } = record;
const whole = record.export();
const ofAlpha = record.export({ partner: 'alpha' });
const ofBeta = record.export({ partner: 'beta' });

const linesOf = (bytes: Buffer) => bytes.toString().split('\n').slice(0, -1);
const bytesOf = (lines: readonly string[]) => Buffer.from(lines.map((line) => `${line}\n`).join(''));

async function faultsOf(
  bytes: Uint8Array,
): Promise<{ code: FaultCode; sequence: number; message: string }[]> {
  return (await verified(bytes, key)).faults;
}

test('an export holds, and says what it has', async (t) => {
  const all = await verified(whole, key);
  t.same(all.faults, []);
  const newest = record.world.engine.head.sequence;
  t.match(all, { federation: 'test', partner: null, first: 1, last: newest, shown: newest, checkpoints: 2 });
  const alpha = await verified(ofAlpha, key);
  t.same(alpha.faults, []);
  t.equal(alpha.numbers?.first, 1);
  t.equal(alpha.numbers?.last, record.world.state.audit.last('alpha'));
  t.equal(alpha.shown, alpha.numbers?.last);
});

test('what a partner is shown has nothing of another one in it', async (t) => {
  for (const [bytes, own, other] of [
    [ofAlpha, 'alpha', 'beta'],
    [ofBeta, 'beta', 'alpha'],
  ] as const) {
    const text = bytes.toString();
    t.ok(text.includes(`${own}-host`));
    t.notOk(text.includes(`${other}-host`));
    t.notOk(text.includes(`${other}-one`));
    t.notOk(text.includes(`${other}-both`), 'nor of the decision about both');
    t.ok(text.includes(`${own}-both`), 'of which it sees its part');
  }
  // What holds for everybody is shown to both, each with its own number.
  t.ok(ofAlpha.toString().includes('"secret') || ofAlpha.includes('secret'));
  t.notOk(ofAlpha.toString().includes('\\"beta\\":'), 'not even how many decisions the other has');
  t.notOk(ofBeta.toString().includes('\\"alpha\\":'));
});

for (const [what, bytes] of [
  ['everything', whole],
  ['a partner', ofAlpha],
] as const) {
  test(`any single byte of an export of ${what} that is flipped is found`, async (t) => {
    await holdsAsync(
      t,
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
        const altered = Buffer.from(bytes);
        altered[at] = (altered[at] as number) ^ by;
        return (await faultsOf(altered)).length > 0;
      }),
      700,
    );
  });

  test(`of each byte of an export of ${what} one bit that is flipped is found`, async (t) => {
    // The cheap half of the check alone, and only where it finds nothing the dear one.
    const missed: number[] = [];
    const step = Math.max(1, Math.floor(bytes.length / 2500));
    for (let at = 0; at < bytes.length; at += step) {
      const altered = Buffer.from(bytes);
      altered[at] = (altered[at] as number) ^ (1 << (at % 8));
      if ((await faultsOf(altered)).length === 0) missed.push(at);
    }
    t.same(missed, []);
  });

  test(`an export of ${what} that was cut off anywhere, or goes on, is found`, async (t) => {
    for (let length = 0; length < bytes.length; length += Math.max(1, Math.floor(bytes.length / 150))) {
      const faults = await faultsOf(bytes.subarray(0, length));
      t.ok(
        faults.some(({ code }) => code === 'CUT_OFF'),
        `at ${length}`,
      );
    }
    t.match(await faultsOf(bytes.subarray(0, -1)), [{ code: 'CUT_OFF' }]);
    t.match(await faultsOf(Buffer.concat([bytes, Buffer.from('\n')])), [{ code: 'MALFORMED' }]);
    t.match(await faultsOf(Buffer.concat([bytes, bytes])), [{ code: 'MALFORMED' }]);
  });

  test(`a line of an export of ${what} that is dropped, doubled or moved is found`, async (t) => {
    const lines = linesOf(bytes);
    for (let index = 0; index < lines.length; index += 1) {
      const dropped = [...lines.slice(0, index), ...lines.slice(index + 1)];
      t.ok((await faultsOf(bytesOf(dropped))).length > 0, `dropped ${index}`);
      const doubled = [...lines.slice(0, index), lines[index] as string, ...lines.slice(index)];
      t.ok((await faultsOf(bytesOf(doubled))).length > 0, `doubled ${index}`);
      if (index === 0) continue;
      const moved = [...lines];
      [moved[index - 1], moved[index]] = [lines[index] as string, lines[index - 1] as string];
      t.ok((await faultsOf(bytesOf(moved))).length > 0, `moved ${index}`);
    }
  });
}

/** The place of the line that begins so. */
const lineOf = (lines: readonly string[], beginning: string) =>
  lines.findIndex((line) => line.startsWith(beginning));
/** A row, with all that stands in it. */
function rowAt(lines: readonly string[], sequence: number): { from: number; to: number } {
  const from = lines.findIndex((line) => {
    const parsed = JSON.parse(line) as { row?: number; last: number };
    return parsed.row !== undefined && parsed.row <= sequence && sequence <= parsed.last;
  });
  const next = lines.findIndex((line, index) => index > from && /^\{"(row|end)"/.test(line));
  return { from, to: next };
}

test('it is said what is wrong, and where', async (t) => {
  const lines = linesOf(whole);
  const newest = record.world.engine.head.sequence;
  const expect = async (what: string, altered: readonly string[], fault: object) => {
    const faults = await faultsOf(bytesOf(altered));
    t.match(faults[0], fault, `${what}: ${faults[0]?.message}`);
  };

  const five = lineOf(lines, '{"line":5,');
  const some = lines.findIndex((line) => line.includes('"text"') && line.includes('alpha-one'));
  const { line: altered } = JSON.parse(lines[some] as string);
  const content = lines.with(some, (lines[some] as string).replace('alpha', 'gamma'));
  await expect('content', content, {
    code: 'CONTENT',
    sequence: altered,
    message: `the content of decision ${altered} was altered: it is not what was committed to`,
  });

  const { from, to } = rowAt(lines, 8);
  const { row, last } = JSON.parse(lines[from] as string);
  const cut = [...lines.slice(0, from), ...lines.slice(to)];
  await expect('a row', cut, { code: 'MISSING', sequence: row });
  t.match(
    (await faultsOf(bytesOf(cut)))[0]?.message,
    new RegExp(`missing: cut out before decision ${last + 1}$`),
  );

  const after = rowAt(lines, last + 1);
  const swapped = [
    ...lines.slice(0, from),
    ...lines.slice(after.from, after.to),
    ...lines.slice(from, to),
    ...lines.slice(after.to),
  ];
  const order = await faultsOf(bytesOf(swapped));
  t.match(order, [{ code: 'MISSING' }, { code: 'ORDER', message: /in another order, or stand there twice/ }]);

  const head = JSON.parse(lines[from] as string);
  const other = { ...head, hash: Buffer.alloc(32, 7).toString('base64') };
  await expect('a hash', lines.with(from, JSON.stringify(other)), { code: 'CHAIN', sequence: row });
  const late = { ...head, at: head.at + 1 };
  await expect('a time', lines.with(from, JSON.stringify(late)), { code: 'CHAIN', sequence: row });

  const hidden = [...lines.slice(0, five), ...lines.slice(five + 1)];
  await expect('a decision', hidden, { code: 'NOT_SHOWN', sequence: 5 });

  const tail = rowAt(lines, newest);
  const shortened = [...lines.slice(0, tail.from), lines.at(-1) as string];
  await expect('the newest row', shortened, { code: 'MISSING', message: /missing at the end of the file$/ });
  await expect('the end', lines.slice(0, -1), { code: 'CUT_OFF', message: /its last line is missing$/ });
});

test('a partner sees which of its numbers was withheld', async (t) => {
  const lines = linesOf(ofAlpha);
  const shown = lines.flatMap((line, index) => (line.startsWith('{"line":') ? [index] : []));
  t.ok(shown.length > 5);
  for (const [number, index] of shown.entries()) {
    const faults = await faultsOf(bytesOf([...lines.slice(0, index), ...lines.slice(index + 1)]));
    const isLast = number === shown.length - 1;
    // Nothing follows the last one that could give it away, but for the signature over the file.
    if (isLast) t.match(faults, [{ code: 'SIGNATURE' }]);
    else
      t.match(faults[0], {
        code: 'WITHHELD',
        message: new RegExp(`^number ${number + 1} of partner alpha withheld`),
      });
  }
  const split = lines.findIndex((line) => line.includes('"parts":') && line.includes('alpha-both'));
  const { line, parts } = JSON.parse(lines[split] as string);
  const own = parts.findIndex((part: string[]) => Array.isArray(part) && part[1]?.includes('alpha-both'));
  const { createHash } = await import('node:crypto');
  const [salt, text] = parts[own];
  const commitment = createHash('sha256').update(Buffer.from(salt, 'base64')).update(text).digest('base64');
  const withheld = lines.with(split, JSON.stringify({ line, parts: parts.with(own, commitment) }));
  t.match(await faultsOf(bytesOf(withheld)), [{ code: 'WITHHELD', message: /^change 1 of decision/ }]);
});

test('salts that were swapped are found at both decisions', async (t) => {
  const lines = linesOf(whole);
  const some = lines.flatMap((line, index) =>
    line.startsWith('{"line":') && line.includes('"text"') ? [index] : [],
  );
  const [one, two] = [some[2] as number, some[4] as number];
  const [a, b] = [JSON.parse(lines[one] as string), JSON.parse(lines[two] as string)];
  const swapped = lines
    .with(one, JSON.stringify({ ...a, salt: b.salt }))
    .with(two, JSON.stringify({ ...b, salt: a.salt }));
  t.match(await faultsOf(bytesOf(swapped)), [
    { code: 'CONTENT', sequence: a.line },
    { code: 'CONTENT', sequence: b.line },
  ]);
});

test('a chain that was altered and chained anew does not match the checkpoint that was signed', async (t) => {
  const { rechained } = await import('./rechained.js');
  const lines = rechained(linesOf(whole), 6);
  const faults = await faultsOf(bytesOf(lines));
  t.match(faults[0], {
    code: 'CHECKPOINT',
    message: /is of another chain: something from decision 1 to \d+ was altered/,
  });
});

test('another key does not do, and a file of another federation neither', async (t) => {
  const other = generateKeyPairSync('ed25519').publicKey;
  t.match((await verified(whole, other)).faults, [{ code: 'KEY' }]);
  t.match(await faultsOf(Buffer.from('{"a":1}\n')), [{ code: 'MALFORMED', message: /line 1, / }]);
  t.match(await faultsOf(Buffer.from('')), [{ code: 'CUT_OFF', message: /before its first line/ }]);
});

test('a part of the chain is chained to what is before it', async (t) => {
  const part = record.export({ first: 7, last: 9, partner: 'alpha' });
  const verdict = await verified(part, key);
  t.same(verdict.faults, []);
  t.ok(verdict.first <= 7 && verdict.last >= 9, `${verdict.first} to ${verdict.last}`);
  const lines = linesOf(part);
  const header = JSON.parse(lines[0] as string);
  const elsewhere = { ...header, before: Buffer.alloc(32, 1).toString('base64') };
  t.match((await faultsOf(bytesOf(lines.with(0, JSON.stringify(elsewhere)))))[0], { code: 'CHAIN' });
});

test('checkpoints that agents have kept are witnesses against a log that was written anew', async (t) => {
  const { sequence, hash } = record.world.engine.head;
  const kept = { sequence, incarnation: 1, hash, source: 'zagreb.json' };
  t.match(await verified(ofAlpha, key, [kept]), { faults: [], witnesses: { confirmed: 1, outside: 0 } });
  const later = { ...kept, sequence: sequence + 5 };
  t.match(await verified(ofAlpha, key, [later]), { faults: [], witnesses: { confirmed: 0, outside: 1 } });
  const other = { ...kept, hash: Buffer.alloc(32, 3) };
  t.match((await verified(ofAlpha, key, [other])).faults, [
    {
      code: 'WITNESS',
      sequence,
      message: /^the checkpoint of zagreb.json at decision \d+ is of another chain/,
    },
  ]);
});

test('a decision whose content was erased is said to be, and leaves no gap', async (t) => {
  const other = await smallRecord(t);
  await other.close();
  const db = new Database(other.file);
  const body = db
    .prepare<[], { last: number; body: string }>(
      "SELECT last, body FROM journal WHERE body LIKE '%alpha-one%' LIMIT 1",
    )
    .get();
  if (body === undefined) throw new Error('no such row');
  const chain = new SqliteChain(other.file);
  const [row] = [...chain.rows(body.last, body.last)];
  chain.close();
  const erased = JSON.stringify({ 0: row?.commitments?.subarray(0, 32).toString('base64') });
  db.prepare('UPDATE journal SET body = ?, salts = zeroblob(length(salts)), erased = ? WHERE last = ?').run(
    body.body.replaceAll('alpha-one', 'erased'),
    erased,
    body.last,
  );
  db.close();
  for (const partner of [null, 'alpha', 'beta']) {
    const bytes = exportOf(other.file, other.checkpoints, { partner });
    t.notOk(bytes.includes('alpha-one'));
    t.match(
      await verified(bytes, other.key),
      { faults: [], erased: partner === 'beta' ? 0 : 1 },
      String(partner),
    );
  }
});
