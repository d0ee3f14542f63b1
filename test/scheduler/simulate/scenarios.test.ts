/**
 * The placement rules by example: each file of test/scenarios shows one thing, and what it expects was worked out by
 * hand from the rules.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'tap';
import { exclusionCodes } from '../../../scheduler/core/placement/explanation.js';
import { simulate, type StepReport } from '../../../scheduler/simulate/simulate.js';

const folder = new URL('../../../../test/scenarios/', import.meta.url);
const files = readdirSync(folder).sort();
const textOf = (file: string) => readFileSync(new URL(file, folder), 'utf8');

for (const file of files) {
  test(file.replace('.yaml', ''), async (t) => {
    const { about, steps, expectations } = simulate(textOf(file));
    t.ok(expectations > 0, about);
    for (const [index, { step, differences }] of steps.entries()) {
      t.same(differences, [], `step ${index + 1}: ${JSON.stringify(step)}`);
    }
  });
}

test('there are a hundred scenarios and more, and each is about something of its own', async (t) => {
  t.ok(files.length >= 100, `${files.length} files`);
  const abouts = files.map((file) => simulate(textOf(file)).about);
  t.equal(new Set(abouts).size, files.length);
});

test('every reason that a caller can be told, and every kind of step, is in some scenario', async (t) => {
  const steps: StepReport[] = files.flatMap((file) => simulate(textOf(file)).steps);
  const verbs = new Set(steps.flatMap(({ step }) => Object.keys(step)));
  t.same([...verbs].sort(), [
    'bestEffort',
    'breaches',
    'capacity',
    'displace',
    'evacuate',
    'explain',
    'join',
    'lend',
    'lose',
    'place',
    'recall',
    'refuse',
    'remove',
    'set',
    'wait',
  ]);
  const told = new Set(
    steps.flatMap(({ outcome }) => ('excluded' in outcome ? Object.keys(outcome.excluded) : [])),
  );
  // Only a VM that exists has been refused before, and nobody is told why it goes where it goes then.
  t.same([...told].sort(), exclusionCodes.filter((code) => code !== 'REFUSED_BEFORE').toSorted());
});

test('a scenario gives the same report each time', async (t) => {
  for (const file of files) t.same(simulate(textOf(file)), simulate(textOf(file)), file);
});
