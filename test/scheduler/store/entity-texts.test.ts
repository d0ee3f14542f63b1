import fc from 'fast-check';
import { test } from 'tap';
import { Alike } from '../../../scheduler/core/alike.js';
import type { Host, Vm } from '../../../scheduler/core/model.js';
import { EntityTexts } from '../../../scheduler/store/entity-texts.js';
import { smallWorld } from '../core/world.js';

const world = smallWorld('zg-1');
const vm = world.settled('web');
const host = world.state.hosts.get('zg-1') as Host;

const texts = () => new EntityTexts(new Alike());
const withFeatures = (cpuFeatures: unknown, id = 'zg-1'): string =>
  JSON.stringify({ ...host, id, inventory: { hostname: id, cpuFeatures, architecture: 'x86_64' } });

/** Names and values that look like what is looked for in the text. */
const trap = fc.constantFrom(
  ...['labels', 'desired', 'spec', '{', '}', ']', '"', '\\', 'ž', '🦔', '', ',"labels":{', '},"desired":"'],
);

test('whatever stands in a VM, it is read as it was written, however many were read before it', (t) => {
  const read = texts();
  const labels = fc.dictionary(trap, trap);
  fc.assert(
    fc.property(labels, trap, fc.array(trap), (labels, title, countries) => {
      const placement = { ...vm.placement, countries };
      const body = JSON.stringify({ ...vm, title, labels, placement });
      return JSON.stringify(read.vm(body)) === body;
    }),
    { numRuns: 500 },
  );
  t.pass();
  t.end();
});

test('whatever features a host names, it is read as it was written', (t) => {
  const read = texts();
  fc.assert(
    fc.property(fc.oneof(fc.array(fc.oneof(trap, fc.nat())), trap, fc.constant(null)), (features) => {
      const body = withFeatures(features);
      return JSON.stringify(read.host(body)) === body && JSON.stringify(read.host(body)) === body;
    }),
    { numRuns: 500 },
  );
  t.pass();
  t.end();
});

test('VMs share what they have in common, and keep what they do not', (t) => {
  const read = texts();
  const make = (uid: string, change: Partial<Vm> = {}) => read.vm(JSON.stringify({ ...vm, uid, ...change }));
  const one = make('1');
  const other = make('2');
  const large = make('3', { spec: { ...vm.spec, vcpus: 9 } });
  t.equal(one.spec, other.spec);
  t.equal(one.labels, other.labels);
  t.equal(one.placement, large.placement);
  t.same([one.uid, other.uid, large.spec.vcpus, one.spec.vcpus], ['1', '2', 9, 1]);
  t.end();
});

test('fields in another order, or fewer of them, are read all the same', (t) => {
  const { spec, labels, ...rest } = vm;
  for (const other of [
    { spec, labels, ...rest },
    { ...rest, spec },
  ]) {
    const body = JSON.stringify(other);
    t.equal(JSON.stringify(texts().vm(body)), body);
  }
  t.end();
});

test('hosts that were bought together share the features of their processors', (t) => {
  const read = texts();
  const [one, other] = [withFeatures(['avx', 'sse'], 'a'), withFeatures(['avx', 'sse'], 'b')].map((body) =>
    read.host(body),
  );
  t.equal(one?.inventory?.['cpuFeatures'], other?.inventory?.['cpuFeatures']);
  t.same([one?.id, other?.id], ['a', 'b']);
  t.end();
});

test('what is no JSON is not taken for a VM', (t) => {
  t.throws(() => texts().vm(JSON.stringify(vm).slice(1)), SyntaxError);
  t.throws(() => texts().host('{'), SyntaxError);
  t.end();
});
