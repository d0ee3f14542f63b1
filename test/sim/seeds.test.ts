/**
 * A few hundred seeds without a violation: short ones of a small federation, for many beginnings, and some of the size that
 * the long run has. That one is `test/sim/long-run`, and what it found is in README.md.
 */
import { test } from 'tap';
import { simulate } from './seeded.js';

const small = { hosts: 12, vms: 40 };

function holds(seed: number, hours: number, scale?: typeof small): string {
  const { violation } = simulate({ seed, hours, ...(scale === undefined ? {} : { scale }) });
  if (violation === null) return '';
  const { rule, message } = violation;
  const size = scale === undefined ? '' : ` --hosts ${scale.hosts} --vms ${scale.vms}`;
  return `${rule}: ${message}; see it with: npm run sim -- --seed ${seed} --hours ${hours}${size} --shrink`;
}

test('200 seeds of a quarter of an hour each break no rule', async (t) => {
  const broken: string[] = [];
  for (let seed = 1; seed <= 200; seed += 1) broken.push(holds(seed, 0.25, small));
  t.same(
    broken.filter((text) => text !== ''),
    [],
  );
});

test('nor does a whole hour of 40 hosts and 200 VMs', async (t) => {
  for (const seed of [1, 2]) t.equal(holds(seed, 1), '');
});

test('a seed is played the same each time, to the byte, also with its script written down', async (t) => {
  const first = simulate({ seed: 3, hours: 0.25, scale: small });
  const script = JSON.parse(JSON.stringify(first.script));
  const again = simulate({ seed: 3, hours: 0.25, scale: small, script });
  t.equal(again.hash, first.hash);
  t.equal(again.steps, first.steps);
  t.ok(first.decisions > 100, `${first.decisions} decisions`);
  t.not(simulate({ seed: 4, hours: 0.25, scale: small }).hash, first.hash);
});
