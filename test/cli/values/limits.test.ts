import t from 'tap';
import { addLimitedExtra, formatLimits, parseLimitCount } from '../../../cli/values/limits.js';
import { quotaWords, scopeKeyOf, scopeWords } from '../../../cli/values/scopes.js';
import { parseLimitMib } from '../../../cli/values/sizes.js';

t.test('0 is a limit, and sizes may be those of a federation', async (t) => {
  t.equal(parseLimitCount('0'), 0);
  t.equal(parseLimitCount('64'), 64);
  t.throws(() => parseLimitCount('-1'), { message: /0 allows nothing/ });
  t.throws(() => parseLimitCount('1.5'), { message: /whole number/ });
  t.equal(parseLimitMib('0'), 0);
  t.equal(parseLimitMib('0GiB'), 0);
  t.equal(parseLimitMib('5000TiB'), 5000 * 2 ** 20);
  t.throws(() => parseLimitMib('128G'), { message: /write 128GiB/ });
  t.throws(() => parseLimitMib('128'), { message: /Say the unit/ });
  t.throws(() => parseLimitMib('9999999TiB'), { message: /too large: at most 953674TiB/ });
});

t.test('extras are limited by name, each once', async (t) => {
  t.same(addLimitedExtra('gpu:a30=0', { vf: 8 }), { vf: 8, 'gpu:a30': 0 });
  t.throws(() => addLimitedExtra('gpu:a30'), { message: /NAME=COUNT/ });
  t.throws(() => addLimitedExtra('GPU=1'), { message: /NAME=COUNT/ });
  t.throws(() => addLimitedExtra('vf=1', { vf: 8 }), { message: /given twice/ });
  t.throws(() => addLimitedExtra('vf=x'), { message: /whole number/ });
});

t.test('limits are told by what has a bound', async (t) => {
  t.equal(
    formatLimits({ vcpus: 64, memoryMib: 131_072, vms: 0, extras: { 'gpu:a30': 2 } }),
    '64 vCPUs, 128 GiB memory, 0 VMs, 2 gpu:a30',
  );
  t.equal(formatLimits({ extras: {} }), '');
  t.equal(formatLimits(null), '');
});

t.test('places have keys and words', async (t) => {
  t.equal(scopeKeyOf({}), 'everywhere');
  t.equal(scopeKeyOf({ country: 'HR' }), 'country-hr');
  t.equal(scopeKeyOf({ site: 'sites/zagreb' }), 'site-zagreb');
  t.equal(scopeWords({}), 'everywhere');
  t.equal(scopeWords({ site: 'sites/zagreb' }), 'site zagreb');
  t.same(quotaWords('administrations/a/quotas/country-hr'), { administration: 'a', where: 'in HR' });
  t.same(quotaWords('administrations/a/quotas/site-z'), { administration: 'a', where: 'on site z' });
  t.same(quotaWords('administrations/a/quotas/everywhere'), { administration: 'a', where: 'everywhere' });
  t.equal(quotaWords('agreements/g'), undefined);
});
