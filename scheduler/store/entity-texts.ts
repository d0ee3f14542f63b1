/**
 * Reads the texts of VMs and hosts, of which a start has a million. Half of such a text is the same in very many others: what
 * the VMs of an administration are called by, how large they are and what they may do; what the processors of machines that were bought
 * together can. That half is read once, and all that have it share what was read. Strings in JSON have no quotation marks
 * of their own, so what is looked for stands nowhere but where it was written.
 */
import type { Alike } from '../core/alike.js';
import type { Host, Vm } from '../core/model.js';

type Common = Pick<Vm, 'labels' | 'spec' | 'policy' | 'placement'>;

const commonNames: readonly (keyof Common)[] = ['labels', 'spec', 'policy', 'placement'];
const [commonBegins, commonEnds] = [',"labels":{', '},"desired":"'];
/** Stands for them until they are there: an entity has its fields in the order in which it is written. */
const commonLeftOut = commonNames.map((name) => `,"${name}":null`).join('');
const [featuresBegin, featuresEnd] = ['"cpuFeatures":[', ']'];
const featuresLeftOut = '"cpuFeatures":null';
/** Those beyond are forgotten. */
const mostKept = 20_000;

export class EntityTexts {
  readonly #common = new Map<string, Common>();
  readonly #features = new Map<string, unknown[]>();
  readonly #names = new Map<string, string>();

  constructor(private readonly alike: Alike) {}

  /** @throws SyntaxError when it is no JSON. */
  vm(body: string): Vm {
    const vm = this.#vm(body);
    vm.administration = this.#name(vm.administration);
    if (vm.host !== null) vm.host = this.#name(vm.host);
    if (vm.agreement !== undefined) vm.agreement = this.#name(vm.agreement);
    vm.refusedBy = this.alike.of(vm.refusedBy);
    return vm;
  }

  /** @throws SyntaxError when it is no JSON. */
  host(body: string): Host {
    const host = this.#host(body);
    host.id = this.#name(host.id);
    host.site = this.#name(host.site);
    host.rack = this.#name(host.rack);
    this.alike.host(host);
    return host;
  }

  #vm(body: string): Vm {
    const begin = body.indexOf(commonBegins);
    const end = body.indexOf(commonEnds, begin) + 1;
    const common = begin < 0 || end <= 0 ? null : this.#commonIn(body.slice(begin + 1, end));
    if (common === null) {
      const vm = JSON.parse(body) as Vm;
      this.alike.vm(vm);
      return vm;
    }
    const vm = JSON.parse(body.slice(0, begin) + commonLeftOut + body.slice(end)) as Vm;
    vm.labels = common.labels;
    vm.spec = common.spec;
    vm.policy = common.policy;
    vm.placement = common.placement;
    return vm;
  }

  /** Null when these fields stand in another order than any scheduler writes them. */
  #commonIn(text: string): Common | null {
    const known = this.#common.get(text);
    if (known !== undefined) return known;
    const read = JSON.parse(`{${text}}`) as Common;
    if (Object.keys(read).join() !== commonNames.join()) return null;
    const { alike } = this;
    const common: Common = {
      labels: alike.of(read.labels),
      spec: alike.of(read.spec),
      policy: alike.of(read.policy),
      placement: alike.of(read.placement),
    };
    keep(this.#common, text, common);
    return common;
  }

  #host(body: string): Host {
    const begin = body.indexOf(featuresBegin);
    const end = body.indexOf(featuresEnd, begin) + 1;
    const text = begin < 0 ? '' : body.slice(begin + featuresBegin.length - 1, end);
    let features = this.#features.get(text);
    if (features === undefined) {
      const host = JSON.parse(body) as Host;
      const read = host.inventory?.['cpuFeatures'];
      // A name may have had the bracket in it.
      if (!Array.isArray(read) || JSON.stringify(read) !== text) return host;
      features = this.alike.of(read);
      keep(this.#features, text, features);
      return host;
    }
    const host = JSON.parse(body.slice(0, begin) + featuresLeftOut + body.slice(end)) as Host;
    if (host.inventory !== null) host.inventory['cpuFeatures'] = features;
    return host;
  }

  /** Names of which many entities speak: each is there once. */
  #name(name: string): string {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    this.#names.set(name, name);
    return name;
  }
}

function keep<T>(kept: Map<string, T>, text: string, value: T): void {
  if (kept.size >= mostKept) kept.clear();
  // A part of a text keeps all of it in memory; this does not.
  kept.set(Buffer.from(text).toString(), value);
}
