/** What the agent waits for with a real writer of its state file. */
import { pino } from 'pino';
import t from 'tap';
import { Ledger, type LedgerContent } from '../../agent/converge/ledger.js';
import { Executor, type ExecutorParts } from '../../agent/executor.js';
import { PoolLanes } from '../../agent/pool-lanes.js';
import { LedgerWriter } from '../../agent/state/ledger-writer.js';

t.test('a write that hangs is not waited for any more when that is called off, and goes on', async (t) => {
  const ledger = new Ledger('boot 1');
  const saved: LedgerContent[] = [];
  let unhang = () => {};
  const hangs = new Promise<void>((resolve) => {
    unhang = resolve;
  });
  const writer = new LedgerWriter(ledger, async (content) => {
    await hangs;
    saved.push(content);
  });
  const absent = {} as Omit<ExecutorParts, 'pools' | 'writer' | 'log' | 'migration'>;
  const log = pino({ level: 'silent' });
  const migration = { uri: '', peers: [] };
  const executor = new Executor({ ...absent, pools: new PoolLanes(), writer, log, migration });

  ledger.raiseEpoch({ incarnation: 1, counter: 2, instance: 'a' });
  const effect = { kind: 'persist', version: ledger.version } as const;
  const cancel = new AbortController();
  const first = executor.run(effect, () => undefined, cancel.signal);
  const second = executor.run(effect, () => undefined, new AbortController().signal);
  cancel.abort();
  t.match(await first, { ok: false, fault: { kind: 'cancelled' } });
  t.same(saved, [], 'the other still waits');
  unhang();
  t.match(await second, { ok: true });
  t.match(saved, [{ epoch: { counter: 2 } }]);
});
