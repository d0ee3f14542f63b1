import { test } from 'tap';
import { History } from './history.js';
import { strategies } from './strategies.js';

for (const [scorer, better] of strategies) {
  test(`the index gives the host that looking at every host gives (${scorer.name})`, async (t) => {
    for (let seed = 1; seed <= 5; seed += 1) {
      const history = new History(seed, scorer, better);
      for (let step = 0; step < 10_000; step += 1) history.step();
      t.ok(
        history.placed > 1000 && history.refused > 50,
        `${history.placed} placed, ${history.refused} refused`,
      );
    }
  });
}
