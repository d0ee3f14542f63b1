/**
 * A real record of decisions: a federation of two partners with a history, in a SQLite file, and exports of it as the
 * interface would write them.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { lastLine } from '../../../scheduler/api/audit-service.js';
import { exportAudit } from '../../../scheduler/audit/export.js';
import type { ExportQuestion } from '../../../scheduler/core/audit/questions.js';
import { checkpointKeyIn, Checkpoints } from '../../../scheduler/fleet/checkpoints.js';
import { SqliteChain } from '../../../scheduler/store/sqlite/sqlite-chain.js';
import { SqliteStore } from '../../../scheduler/store/sqlite/sqlite-store.js';
import type { Verdict } from '../../../cli/audit/verdict.js';
import { verifyExport } from '../../../cli/audit/verify.js';
import type { Witness } from '../../../cli/audit/witnesses.js';
import { EngineWorld } from '../engine-world.js';
import { type Scope, temporaryFolder } from '../scope.js';

export class Record {
  private constructor(
    readonly file: string,
    readonly store: SqliteStore,
    readonly world: EngineWorld,
    readonly checkpoints: Checkpoints,
  ) {}

  static async open(t: Scope, folder = temporaryFolder(t)): Promise<Record> {
    const file = join(folder, 'secovia.db');
    const store = new SqliteStore(file);
    const world = await EngineWorld.on(store);
    const checkpoints = new Checkpoints(world.engine, store, checkpointKeyIn(join(folder, 'checkpoint.key')));
    return new Record(file, store, world, checkpoints);
  }

  get key(): KeyObject {
    return createPublicKey(this.checkpoints.publicKeyPem);
  }

  /** What was decided so far becomes a row of its own. */
  async row(): Promise<void> {
    await this.world.engine.readable();
  }

  export(change: Partial<ExportQuestion> = {}): Buffer {
    return exportOf(this.file, this.checkpoints, change);
  }

  async close(): Promise<void> {
    await this.store.close();
  }
}

/** The bytes of an export. */
export function exportOf(
  file: string,
  checkpoints: Pick<Checkpoints, 'sign' | 'signText' | 'fingerprint'>,
  change: Partial<ExportQuestion> = {},
): Buffer {
  const chain = new SqliteChain(file);
  const question: ExportQuestion = {
    kind: 'export',
    federation: 'test',
    key: checkpoints.fingerprint,
    partner: null,
    first: 1,
    last: Number.MAX_SAFE_INTEGER,
    ...change,
  };
  const pieces: Uint8Array[] = [];
  for (const piece of exportAudit(question, chain)) {
    if ('piece' in piece) pieces.push(piece.piece);
    if ('end' in piece) pieces.push(lastLine(checkpoints, piece.end));
  }
  chain.close();
  return Buffer.concat(pieces);
}

/** What the command line would say of a file. */
export function verified(bytes: Uint8Array, key: KeyObject, witnesses: Witness[] = []): Promise<Verdict> {
  async function* pieces() {
    // In pieces that end anywhere.
    for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
  }
  return verifyExport(pieces(), key, witnesses);
}

/** Two partners with a site and a host each, administrations of both, and some VMs: a dozen rows. */
export async function smallRecord(t: Scope): Promise<Record> {
  const record = await Record.open(t);
  const { world } = record;
  world.run({ type: 'federation.open', instance: 'first', name: 'test', incarnation: 1 });
  await record.row();
  world.site('alpha-site', 'HR', 'alpha');
  world.site('beta-site', 'SI', 'beta');
  for (const id of ['alpha', 'beta']) world.run({ type: 'partner.update', id, open: true, etag: '' });
  await record.row();
  world.administration('alpha-adm', null, 'HR');
  world.administration('beta-adm', null, 'SI');
  world.image('tiny');
  await record.row();
  world.host('alpha-host', 'alpha-site');
  await record.row();
  world.host('beta-host', 'beta-site');
  await record.row();
  for (const [id, of, site] of [
    ['alpha-one', 'alpha-adm', 'alpha-site'],
    ['beta-one', 'beta-adm', 'beta-site'],
    ['alpha-two', 'alpha-adm', 'alpha-site'],
  ] as const) {
    const placement = { sites: [site], countries: [], excludedHosts: [] };
    world.run(world.createOf([world.newVm(id, { placement, title: 'Č "x" \u{1f600}\n' })], of));
    await record.row();
  }
  // One decision about both partners.
  const both = ['alpha', 'beta'].map((partner) =>
    world.newVm(`${partner}-both`, {
      placement: { sites: [`${partner}-site`], countries: [], excludedHosts: [] },
    }),
  );
  world.run(world.createOf(both, 'alpha-adm'));
  await record.row();
  record.checkpoints.keep();
  world.run({ type: 'class.create', id: 'secret', title: '', level: 9 });
  world.run({ type: 'host.cordon', id: 'beta-host', cordoned: true });
  await record.row();
  world.run({ type: 'host.cordon', id: 'alpha-host', cordoned: true });
  await record.row();
  return record;
}
