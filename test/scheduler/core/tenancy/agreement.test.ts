import { test } from 'tap';
import type { Vm } from '../../../../scheduler/core/model.js';
import { breachOf } from '../../../../scheduler/core/tenancy/stay.js';
import { verifyTenancy } from '../../../../scheduler/core/tenancy/verify.js';
import type { World } from '../world.js';
import { agree, create, dayMs, threeCountries } from './federation.js';

const on = (site: string) => ({ placement: { sites: [site], countries: [], excludedHosts: [] } });
const vmOf = (world: World, id: string, administration = 'pula') =>
  world.state.vmByName(administration, id) as Vm;

test('without an agreement a site serves only its own partner’s administrations', async (t) => {
  const world = threeCountries();
  t.equal(create(world, 'pula', 'a'), 'zagreb-1');
  t.match(create(world, 'pula', 'b', on('ljubljana')), {
    kind: 'precondition',
    reason: 'NO_AGREEMENT',
    message: /1 belongs to partners with whom there is no agreement.*secovia agreement create/,
  });
  agree(world);
  t.equal(create(world, 'pula', 'b', on('ljubljana')), 'ljubljana-1');
  t.equal(vmOf(world, 'b').agreement, 'hr-in-si');
  t.equal(vmOf(world, 'a').agreement, undefined);
  t.match(create(world, 'macedonia', 'c', on('ljubljana')), { reason: 'NO_AGREEMENT' });
});

test('a partner may name the subtrees that are its own, or be open to all', async (t) => {
  const world = threeCountries();
  world.run({ type: 'partner.update', id: 'carnet', administrations: ['istria'], etag: '' });
  t.match(create(world, 'croatia', 'a'), { reason: 'NO_AGREEMENT' });
  t.equal(create(world, 'pula', 'a'), 'zagreb-1');
  world.run({ type: 'partner.update', id: 'carnet', open: true, etag: '' });
  t.equal(create(world, 'macedonia', 'a', on('zagreb')), 'zagreb-1');
  t.match(breachOf(world.state, vmOf(world, 'a', 'macedonia')), null);
  world.run({ type: 'partner.update', id: 'carnet', open: false, etag: '' });
  t.match(breachOf(world.state, vmOf(world, 'a', 'macedonia')), { code: 'NO_AGREEMENT' });
  t.equal(breachOf(world.state, vmOf(world, 'a')), null);
});

test('an agreement gives no more than it says, and its share of what there is', async (t) => {
  const world = threeCountries();
  agree(world, { limit: { vms: 3, vcpus: 100 }, limitPercent: 25 });
  t.equal(create(world, 'pula', 'a', { ...on('ljubljana'), vcpus: 12 }), 'ljubljana-1');
  t.match(create(world, 'pula', 'b', { ...on('ljubljana'), vcpus: 5 }), {
    kind: 'exhausted',
    reason: 'AGREEMENT_EXHAUSTED',
    message: /agreement "hr-in-si" allows 16 vCPUs.*12 are used/,
    quota: [{ subject: 'agreements/hr-in-si' }],
  });
  world.host('ljubljana-2', 'ljubljana');
  t.ok(create(world, 'pula', 'b', { ...on('ljubljana'), vcpus: 5 }), 'the share grows with the partner');
  t.equal(create(world, 'slovenia', 'own', { vcpus: 60 }), 'ljubljana-2', 'its own are not counted');
  create(world, 'pula', 'c', on('ljubljana'));
  t.match(create(world, 'pula', 'd', on('ljubljana')), { metadata: { AGREEMENT_EXHAUSTED: '2' } });
  t.equal(world.state.tenancy.agreementUse('hr-in-si').vms, 3);
  t.same(verifyTenancy(world.state).differences, []);
});

test('the reserve is kept under all agreements together', async (t) => {
  const world = threeCountries();
  agree(world, { reserve: { vcpus: 44 } });
  agree(world, {
    id: 'mk-in-si',
    beneficiary: { kind: 'partner', partner: 'marnet' },
    reserve: { vcpus: 44 },
  });
  t.equal(create(world, 'pula', 'a', { ...on('ljubljana'), vcpus: 12 }), 'ljubljana-1');
  t.match(create(world, 'macedonia', 'a', { ...on('ljubljana'), vcpus: 9 }), {
    reason: 'RESERVE_KEPT',
    message: /partner "arnes" keeps a reserve.*others may use 20 vCPUs there and use 12/,
  });
  t.equal(create(world, 'macedonia', 'a', { ...on('ljubljana'), vcpus: 8 }), 'ljubljana-1');
  t.equal(create(world, 'slovenia', 'own', { vcpus: 44 }), 'ljubljana-1', 'so there is room for its own');
});

test('of several agreements the nearest to the administration is used first, then the cheapest', async (t) => {
  const world = threeCountries();
  const price = { currency: 'EUR', vcpuMicros: 5, memoryGibMicros: 0, diskGibMicros: 0, stoppedPercent: 0 };
  agree(world, { id: 'country' });
  agree(world, { id: 'cheap', price });
  agree(world, {
    id: 'town',
    beneficiary: { kind: 'administration', administration: 'pula' },
    limit: { vms: 1 },
  });
  const used = ['a', 'b'].map((id) => {
    create(world, 'pula', id, on('ljubljana'));
    return vmOf(world, id).agreement;
  });
  t.same(used, ['town', 'cheap']);
});

test('an agreement expires with notice: nothing new, then what is there is in breach', async (t) => {
  const world = threeCountries();
  const untilMs = world.nowMs + dayMs;
  agree(world, { untilMs, noticeDays: 2 });
  create(world, 'pula', 'a', on('ljubljana'));
  const vm = vmOf(world, 'a');
  world.see(vm, 'running');
  world.nowMs = untilMs;
  t.match(create(world, 'pula', 'b', on('ljubljana')), { reason: 'NO_AGREEMENT' });
  t.match(world.state.tenancy.agreements.get('hr-in-si'), {
    state: 'notice',
    noticeUntilMs: untilMs + 2 * dayMs,
    recalled: false,
  });
  t.equal(breachOf(world.state, vm), null);
  world.stop(vm);
  world.see(vm, 'stopped');
  t.match(world.refused(world.resizeOf(vm, { vcpus: 2 })), { reason: 'AGREEMENT_ENDED' });
  t.ok(world.start(vm), 'it may start while the notice runs');
  world.see(vm, 'running');
  world.nowMs = untilMs + 2 * dayMs;
  world.catchUp();
  t.match(breachOf(world.state, vm), { code: 'AGREEMENT_ENDED', because: 'hr-in-si' });
  t.match(vm, { state: 'running', host: 'ljubljana-1' });
  world.stop(vm);
  world.see(vm, 'stopped');
  t.match(world.refused(world.startOf(vm)), { reason: 'AGREEMENT_ENDED', message: /has expired/ });
  world.run({ type: 'agreement.update', id: 'hr-in-si', untilMs: world.nowMs + dayMs, etag: '' });
  t.equal(breachOf(world.state, vm), null, 'an extension ends it');
  t.ok(world.start(vm));
});

test('a recall starts the notice at once, and cannot be taken back', async (t) => {
  const world = threeCountries();
  agree(world, { noticeDays: 0 });
  create(world, 'pula', 'a', on('ljubljana'));
  t.match(world.run({ type: 'agreement.recall', id: 'hr-in-si', etag: '' }), {
    state: 'ended',
    recalled: true,
  });
  t.match(breachOf(world.state, vmOf(world, 'a')), { code: 'AGREEMENT_ENDED' });
  const update = { type: 'agreement.update', id: 'hr-in-si', untilMs: null, etag: '' } as const;
  t.match(world.refused(update), { reason: 'AGREEMENT_RECALLED' });
  t.match(world.refused({ type: 'agreement.recall', id: 'hr-in-si', etag: '' }), {
    reason: 'AGREEMENT_RECALLED',
  });
  t.match(world.refused({ type: 'agreement.delete', id: 'hr-in-si', etag: '' }), {
    reason: 'AGREEMENT_IN_USE',
  });
  world.delete(vmOf(world, 'a'));
  world.see(vmOf(world, 'a'), 'absent');
  t.ok('reply' in world.try({ type: 'agreement.delete', id: 'hr-in-si', etag: '' }));
});

test('an agreement begins at its time', async (t) => {
  const world = threeCountries();
  const fromMs = world.nowMs + dayMs;
  t.equal(agree(world, { fromMs }).state, 'planned');
  t.match(create(world, 'pula', 'a', on('ljubljana')), { reason: 'NO_AGREEMENT' });
  world.nowMs = fromMs;
  t.equal(create(world, 'pula', 'a', on('ljubljana')), 'ljubljana-1');
});

test('a VM in another partner’s site grows only within the agreement', async (t) => {
  const world = threeCountries();
  agree(world, { limit: { vcpus: 4 } });
  create(world, 'pula', 'a', { ...on('ljubljana'), vcpus: 2, power: 'stopped' });
  const vm = vmOf(world, 'a');
  world.see(vm, 'stopped');
  t.match(world.refused(world.resizeOf(vm, { vcpus: 5 })), { reason: 'AGREEMENT_EXHAUSTED' });
  t.ok(world.run(world.resizeOf(vm, { vcpus: 4 })));
});

test('a partner comes with its first site, and goes when nothing is left of it', async (t) => {
  const world = threeCountries();
  t.match(world.state.tenancy.partners.get('arnes'), { country: 'SI', open: false });
  agree(world);
  t.match(world.refused({ type: 'partner.delete', id: 'arnes', etag: '' }), { reason: 'PARTNER_IN_USE' });
  const again = {
    type: 'partner.create',
    id: 'arnes',
    title: '',
    country: 'SI',
    administrations: [],
    open: false,
  };
  t.match(world.refused({ ...again, type: 'partner.create' }), { kind: 'already_exists' });
  world.run({ ...again, type: 'partner.create', id: 'new' });
  t.match(world.refused({ ...again, type: 'partner.create', id: 'x', administrations: ['y'] }), {
    kind: 'not_found',
  });
  t.ok('reply' in world.try({ type: 'partner.delete', id: 'new', etag: '' }));
});

test('an agreement is between two, in time, and about something that exists', async (t) => {
  const world = threeCountries();
  const tried = (change: Parameters<typeof agree>[1]) => {
    try {
      return agree(world, change).id;
    } catch (error) {
      return (error as Error).message;
    }
  };
  t.match(tried({ partner: 'nobody' }), /there is no partner "nobody"/);
  t.match(tried({ beneficiary: { kind: 'partner', partner: 'arnes' } }), /needs no agreement with itself/);
  t.match(
    tried({ beneficiary: { kind: 'administration', administration: 'x' } }),
    /there is no administration/,
  );
  t.match(tried({ untilMs: world.nowMs }), /must be in the future/);
  t.equal(tried({}), 'hr-in-si');
  t.match(tried({}), /already a agreement|already an agreement/);
});

test('the next thing to begin or end is found among very many', async (t) => {
  const world = threeCountries();
  const { tenancy } = world.state;
  const one = agree(world, { untilMs: world.nowMs + dayMs });
  for (let index = 0; index < 150_000; index += 1)
    tenancy.setAgreement({ ...one, id: `agreement-${index}`, untilMs: null });
  t.equal(tenancy.nextMs, world.nowMs + dayMs);
});
