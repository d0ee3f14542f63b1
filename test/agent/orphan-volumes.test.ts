import t from 'tap';
import { Ledger } from '../../agent/converge/ledger.js';
import { AgentCore } from '../../agent/core.js';
import { wanted } from './world.js';

const { uid } = wanted();

function agent() {
  const ledger = new Ledger('boot');
  const core = new AgentCore(
    {
      identity: { host: 'h1', machineId: '', bootId: 'boot', instance: '' },
      ledger,
      random: () => 0,
      poolDirectories: [],
      fencing: {},
      verifyCheckpoint: () => true,
    },
    { bootMs: 0, wallMs: 0 },
  );
  const orphans = () => {
    core.volumesListed([{ uid, file: `${uid}.qcow2`, whole: true }]);
    return core.orphans();
  };
  return { ledger, orphans };
}

t.test('a volume of a VM that this host knows nothing of, or has deleted, is reported', async (t) => {
  const { ledger, orphans } = agent();
  t.same(orphans(), [`volume ${uid}.qcow2`]);
  ledger.accept(wanted());
  t.same(orphans(), []);
  ledger.accept(wanted({ role: 'deleted', generation: 2, size: null, image: null }));
  t.same(orphans(), [], 'it is on its way to the trash');
  ledger.advance(uid, { phase: 'gone' });
  t.same(orphans(), [`volume ${uid}.qcow2`], 'it was made after the VM had been deleted');
});

t.test('the volume of a VM that was released stays where it is, and is not reported', async (t) => {
  const { ledger, orphans } = agent();
  ledger.accept(wanted({ role: 'released', size: null, image: null }));
  ledger.advance(uid, { phase: 'gone' });
  t.same(orphans(), []);
});
