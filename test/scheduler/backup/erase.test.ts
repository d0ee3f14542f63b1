/** A person who has left is taken out of the record; what was decided stays, and can still be verified. */
import { createPublicKey } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { type Test, test } from 'tap';
import { personNamed, withoutPerson } from '../../../scheduler/core/audit/person.js';
import type { ExportAuditRequest } from '../../../proto/gen/secovia/v1/ExportAuditRequest.js';
import { definitionOf } from '../api/client.js';
import { SecureScheduler } from '../api/secure-scheduler.js';
import { verified } from '../audit/record.js';
import { holds } from '../holds.js';
import { runProgram } from '../run-program.js';

const marko = 'spiffe://lab/operator/adria/marko';
const erase = (dataDir: string, ...more: string[]) =>
  runProgram(['erase', marko, '--data-dir', dataDir, ...more]);

/** Marko, an operator, has made a site and been refused something; Markovic has made another. */
async function federation(t: Test): Promise<{ secure: SecureScheduler; leave(): Promise<void> }> {
  const secure = await SecureScheduler.start(t);
  const tokens = new Map<string, string>();
  await secure.api.call('CreatePartner', { partnerId: 'adria', partner: { country: 'HR' } });
  for (const id of ['marko', 'markovic']) {
    const more = { partner: 'partners/adria', title: `${id} of Split` };
    const operator = await secure.identity(id, 'ROLE_PARTNER_OPERATOR', more);
    const site = { partner: 'adria', country: 'HR' };
    await operator.call('CreateSite', { siteId: `of-${id}`, site });
    const { joinToken } = await operator.call('CreateJoinToken', { site: `sites/of-${id}` });
    tokens.set(id, joinToken?.name ?? '');
    await operator.fails('DeletePartner', { name: 'partners/adria' });
  }
  const leave = async () => {
    await secure.api.call('DeleteJoinToken', { name: tokens.get('marko') ?? '' });
    await secure.api.call('DeleteIdentity', { name: 'identities/marko' });
    await secure.scheduler.stop();
  };
  return { secure, leave };
}

async function exported({ api }: SecureScheduler): Promise<Buffer> {
  const { path, requestSerialize, responseDeserialize } = definitionOf('ExportAudit');
  const stream = api.channel.makeServerStreamRequest(
    path,
    requestSerialize as (value: ExportAuditRequest) => Buffer,
    responseDeserialize as (bytes: Buffer) => { piece: Uint8Array },
    {},
    new grpc.Metadata({ waitForReady: true }),
  );
  const pieces: Uint8Array[] = [];
  for await (const { piece } of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Whether any file of the folder has the text. */
const filesWith = (folder: string, text: string) =>
  readdirSync(folder)
    .filter((name) => statSync(join(folder, name)).isFile())
    .filter((name) => readFileSync(join(folder, name)).includes(text));

test('a person is erased from every decision, and the chain and the state are as they were', async (t) => {
  const { secure, leave } = await federation(t);
  const { scheduler, api } = secure;
  const { dataDir } = scheduler;
  const [sites, entries] = [
    await api.call('ListSites', {}),
    (await api.call('ListAuditEntries', { pageSize: 500 })).entries.length,
  ];
  t.match(erase(dataDir), { status: 1, stderr: /another scheduler is running/ });
  await scheduler.stop();
  t.match(erase(dataDir), {
    status: 1,
    stderr:
      /what there is still has it: (identity|token) .* and 1 more; delete that while the scheduler runs/,
  });
  await scheduler.start();
  await leave();
  const before = readFileSync(join(dataDir, 'secovia.db'));
  const short = ['erase', 'operator/adria/marko', '--data-dir', dataDir];
  const dry = runProgram([...short, '--dry-run', '--output', 'json']);
  t.equal(dry.status, 0, dry.stderr);
  const { decisions, done } = JSON.parse(dry.stdout) as { decisions: number; done: boolean };
  t.notOk(done);
  t.ok(decisions >= 6, `${decisions} decisions name the person`);
  t.ok(before.equals(readFileSync(join(dataDir, 'secovia.db'))), 'and are only counted');
  const words = erase(dataDir);
  t.match(words, {
    status: 0,
    stdout: new RegExp(`marko was erased from ${decisions} decisions. The store was read again and is whole`),
  });
  t.match(erase(dataDir), { status: 0, stdout: /No decision names .*nothing to do/ });
  t.match(runProgram(['verify', dataDir]), { status: 0, stdout: /is whole/ });
  const db = new Database(join(dataDir, 'secovia.db'), { readonly: true });
  const journal = db.prepare<[], string>('SELECT body FROM journal').pluck().all().join('\n');
  db.close();
  t.notMatch(journal, /adria\/marko\b|"marko"|marko of Split/);
  t.match(
    journal,
    /adria\/markovic.*markovic of Split|markovic of Split.*adria\/markovic/s,
    'and nobody else',
  );
  t.match(journal, /of-marko/, 'what was decided is still there');
  await scheduler.start();
  const key = createPublicKey((await api.call('GetAuditKey', {})).publicKey);
  t.match(await verified(await exported(secure), key), { faults: [], erased: decisions });
  t.same(await api.call('ListSites', {}), sites);
  const now = (await api.call('ListAuditEntries', { pageSize: 500 })).entries;
  t.ok(now.length >= entries);
  t.ok(now.some(({ identity }) => identity === 'erased'));
  t.notOk(now.some(({ identity }) => identity === marko));
});

test('what was erased is in no file of the data folder when its answers are forgotten', async (t) => {
  const { secure, leave } = await federation(t);
  const { scheduler } = secure;
  await leave();
  const db = new Database(join(scheduler.dataDir, 'secovia.db'));
  db.pragma('secure_delete = ON');
  db.exec('DELETE FROM request');
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
  t.match(erase(scheduler.dataDir), { status: 0, stdout: /whole\.\nBackups/ });
  t.same(filesWith(scheduler.dataDir, `${marko}"`), []);
  t.same(filesWith(scheduler.dataDir, 'marko of Split'), []);
});

test('while somebody reads the store it is not said to be done, and said again it is', async (t) => {
  const { secure, leave } = await federation(t);
  await leave();
  const { dataDir } = secure.scheduler;
  const reader = new Database(join(dataDir, 'secovia.db'));
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM journal').get();
  t.match(erase(dataDir), { status: 1, stderr: /somebody reads .*say this again/ });
  reader.close();
  t.match(erase(dataDir), { status: 0 });
});

test('a person has to be named as the record does', async (t) => {
  const {
    secure: { scheduler },
  } = await federation(t);
  await scheduler.stop();
  for (const name of ['marko', 'spiffe://lab/host/zg-01', 'spiffe://lab/scheduler', '', 'https://issuer'])
    t.match(runProgram(['erase', name, '--data-dir', scheduler.dataDir]), {
      status: 1,
      stderr: /is nobody's name in the record.*secovia audit list/,
    });
  t.match(runProgram(['erase', marko, '--data-dir', join(scheduler.dataDir, 'none')]), {
    status: 1,
    stderr: /there is no federation/,
  });
  t.match(runProgram(['erase']), { status: 2 });
});

test('a line without a person says all else that it said', async (t) => {
  const person = personNamed('https://id.example user 7', 'lab');
  if (person === null) throw new Error('it is a name');
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom(person.name, `${person.name}0`, `by ${person.name}: "x"`),
  );
  holds(
    t,
    fc.property(text, text, fc.nat(), (onBehalf, message, atMs) => {
      const line = [
        atMs,
        [{ type: 'vm.waits', uid: 'u', fault: { code: 9, message } }],
        { i: 'p', f: onBehalf },
        {},
        {},
      ];
      const isNamed = [onBehalf, message].some(
        (each) => each === person.name || each.startsWith(`by ${person.name}:`),
      );
      const without = withoutPerson(JSON.stringify(line), person);
      if (without === null) return !isNamed;
      const names = (one: string) => one.replace(/https:\/\/id\.example user 7(?!0)/, 'erased');
      const expected = JSON.stringify([
        atMs,
        [{ type: 'vm.waits', uid: 'u', fault: { code: 9, message: names(message) } }],
        { i: 'p', f: names(onBehalf) },
        {},
        {},
      ]);
      return isNamed && without === expected;
    }),
    300,
  );
});
