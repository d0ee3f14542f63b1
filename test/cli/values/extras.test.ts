import t from 'tap';
import { addExtra, formatExtras } from '../../../cli/values/extras.js';

t.test('an extra has a name and a number, and one is meant when none is said', async (t) => {
  t.same(addExtra('gpu:a30=2'), { 'gpu:a30': 2 });
  t.same(addExtra('sriov-vf', { 'gpu:a30': 2 }), { 'gpu:a30': 2, 'sriov-vf': 1 });
  t.same(formatExtras({ 'gpu:a30': 2, 'sriov-vf': 1 }), ['gpu:a30=2', 'sriov-vf=1'], 'and is shown so');
});

t.test('what is no extra is refused with what to write', async (t) => {
  const kinds = Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`kind-${index}`, 1]));
  const cases: [string, Record<string, number>, RegExp][] = [
    ['', {}, /"" cannot name an extra: write NAME=COUNT, for example gpu:a30=1/],
    ['GPU=1', {}, /"GPU" cannot name an extra/],
    ['gpu:=1', {}, /"gpu:" cannot name an extra/],
    ['gpu:a30=0', {}, /Write 1 to 64 of it, for example gpu:a30=2/],
    ['gpu:a30=65', {}, /Write 1 to 64/],
    ['gpu:a30=1.5', {}, /Write 1 to 64/],
    ['gpu:a30=', {}, /Write 1 to 64/],
    ['gpu:a30=1=2', {}, /Write 1 to 64/],
    ['gpu:a30', { 'gpu:a30': 1 }, /gpu:a30 is given twice/],
    ['one-more', kinds, /At most 16 kinds/],
  ];
  for (const [text, before, message] of cases) t.throws(() => addExtra(text, before), { message }, text);
});
