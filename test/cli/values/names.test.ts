import fc from 'fast-check';
import t from 'tap';
import {
  batchNames,
  newVmName,
  resourceName,
  shortName,
  shortVmName,
  vmName,
} from '../../../cli/values/names.js';
import { ValueError } from '../../../cli/values/value-error.js';

const uuid = '6f1f3c1e-0b0a-4f6e-9f53-1f6d2f5f0001';

t.test('a name is taken as people and as the contract write it', async (t) => {
  t.equal(resourceName('sites', 'sofia-1'), 'sites/sofia-1');
  t.equal(resourceName('sites', 'sites/sofia-1'), 'sites/sofia-1');
  t.throws(() => resourceName('sites', 'hosts/a'), { message: /"hosts\/a" cannot name a site/ });
  t.throws(() => resourceName('sites', ''), { message: /cannot name a site/ });
  t.throws(() => resourceName('sites', 'a b'), { message: /cannot name a site/ });
});

t.test('a VM is named in its administration, with it, or by its UUID', async (t) => {
  const web = 'administrations/city/vms/web';
  t.equal(vmName('web', 'administrations/city'), web);
  t.equal(vmName('city/web', undefined), web);
  t.equal(vmName('city/web', 'administrations/other'), web, 'the word wins over the flag');
  t.equal(vmName(web, undefined), web);
  t.equal(vmName(uuid.toUpperCase(), 'administrations/city'), `vms/${uuid}`);
  t.equal(vmName(`vms/${uuid}`, undefined), `vms/${uuid}`);
  t.throws(() => vmName('web', undefined), { message: /Write ADMINISTRATION\/web, or say --administration/ });
  t.throws(() => vmName('a/b/c', undefined), { message: /does not name a VM/ });
});

t.test('a new VM gets its administration from one place', async (t) => {
  const made = { parent: 'administrations/city', vmId: 'web' };
  t.same(newVmName('web', 'administrations/city'), made);
  t.same(newVmName('city/web', undefined), made);
  t.same(newVmName('city/web', 'administrations/city'), made);
  t.throws(() => newVmName('city/web', 'administrations/town'), { message: /leave one out/ });
  t.throws(() => newVmName('web', undefined), { message: /Whose VM/ });
});

t.test('whatever is typed gives a well-formed name or a sentence', async (t) => {
  let named = 0;
  const word = fc.oneof(fc.string(), fc.stringMatching(/^[a-z0-9./-]{0,40}$/));
  fc.assert(
    fc.property(word, (text) => {
      try {
        const name = vmName(text, 'administrations/city');
        named++;
        return /^(administrations\/[^/\s]+\/vms\/[^/\s]+|vms\/[0-9a-f-]{36})$/.test(name);
      } catch (error) {
        return error instanceof ValueError;
      }
    }),
    { numRuns: 2000 },
  );
  t.ok(named > 0);
});

t.test('a batch sorts as it counts', async (t) => {
  t.same(batchNames('web', 3), ['web-1', 'web-2', 'web-3']);
  const names = batchNames('web', 120);
  t.equal(names[0], 'web-001');
  t.equal(names[119], 'web-120');
  t.same([...names].sort(), names);
});

t.test('short forms leave alone what they do not know', async (t) => {
  t.equal(shortName('sites/sofia-1'), 'sofia-1');
  t.equal(shortVmName('administrations/city/vms/web'), 'city/web');
  t.equal(shortVmName(`vms/${uuid}`), `vms/${uuid}`);
});
