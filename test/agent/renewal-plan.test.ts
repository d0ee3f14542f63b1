import fc from 'fast-check';
import t from 'tap';
import { RenewalPlan, renewableMs } from '../../agent/enrolment/renewal-plan.js';

const hour = 3_600_000;
const day = 24 * hour;
const week = { startMs: 1000 * day, endMs: 1007 * day };

t.test('a certificate is renewed at two thirds of its life, hosts apart from one another', async (t) => {
  const two = week.startMs + (7 * day * 2) / 3;
  t.equal(new RenewalPlan(week, 0).nextMs, two);
  const last = new RenewalPlan(week, 0.999_999).nextMs;
  t.ok(last > two + 8 * hour && last < two + 9 * hour, 'within a twentieth of its life');
  const plan = new RenewalPlan(week, 0);
  t.notOk(plan.isDue(two - 1));
  t.ok(plan.isDue(two));
});

t.test('what fails is tried again, more and more seldom, and tells of it', async (t) => {
  const plan = new RenewalPlan(week, 0);
  let nowMs = plan.nextMs;
  const pauses: number[] = [];
  for (let times = 0; times < 12; times += 1) {
    plan.failed('no scheduler answers', false, nowMs, 1);
    pauses.push(plan.nextMs - nowMs);
    nowMs = plan.nextMs;
  }
  t.same(pauses.slice(0, 4), [30_000, 60_000, 120_000, 240_000]);
  t.equal(pauses.at(-1), hour, 'an hour at most');
  t.match(plan.standing(nowMs), { error: 'no scheduler answers', trouble: null }, 'there is time yet');
  t.match(plan.standing(week.endMs - day + 1).trouble, /ends soon and is not renewed: no scheduler answers/);
  t.match(plan.standing(week.endMs).trouble, /has ended and is not renewed: no scheduler answers/);
  const next = { startMs: nowMs, endMs: nowMs + 7 * day };
  plan.renewed(next, 0);
  t.match(plan.standing(nowMs), { endMs: next.endMs, error: '', trouble: null });
  plan.failed('again', false, plan.nextMs, 1);
  t.equal(plan.nextMs - (nowMs + (7 * day * 2) / 3), 30_000, 'it begins anew');
});

t.test('what is refused for good is asked for seldom', async (t) => {
  const plan = new RenewalPlan(week, 0);
  plan.failed('HOST_REVOKED', true, week.endMs, 1);
  t.equal(plan.nextMs - week.endMs, hour);
});

t.test('a certificate that has ended may be renewed for 30 days', async (t) => {
  const plan = new RenewalPlan(week, 0);
  t.ok(plan.hasEnded(week.endMs));
  t.notOk(plan.isOver(week.endMs + renewableMs - 1));
  t.ok(plan.isOver(week.endMs + renewableMs));
  t.match(plan.standing(week.endMs + renewableMs).trouble, /more than 30 days ago; enrol this host anew/);
});

t.test('however short its life, it is tried often enough before its end', async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 60_000, max: 366 * day }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (life, random) => {
        const plan = new RenewalPlan({ startMs: 0, endMs: life }, random);
        let tries = 0;
        while (plan.nextMs < life) {
          const nowMs = plan.nextMs;
          tries += 1;
          plan.failed('no', false, nowMs, random);
          if (plan.nextMs <= nowMs) throw new Error('time stood still');
          if (tries > 5) return true;
        }
        throw new Error(`only ${tries} tries`);
      },
    ),
  );
});
