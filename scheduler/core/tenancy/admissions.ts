/** Works out admissions and keeps them: by administration, and by class what the law says. */
import type { Administration, Site } from '../model.js';
import type { Admission, Counted, Counting, Foreign, Service } from './admission.js';
import type { ResidencyRule } from './model.js';
import { type RulesInForce, lawfulSites, rulesInForce } from './residency.js';
import type { Scope } from './model.js';
import { covers, scopeKey } from './scope.js';
import type { Meter, Node } from './tree.js';

/** What admissions follow from. */
export interface Sources {
  sites(): readonly Site[];
  administration(id: string): Administration | undefined;
  node(id: string): Node;
  level(dataClass: string): number;
  rulesFor(node: Node, dataClass: string): ResidencyRule[];
  service(administration: Administration, sites: readonly Site[]): Service;
}

/** Of an administration, for all classes. */
interface Kept {
  service: Service | null;
  counting: Counting | null;
}

export class Admissions {
  readonly #sources: Sources;
  readonly #kept = new Map<string, Kept>();
  /** By class, of which there are few, and administration: each further object on the way is memory that is far away. */
  readonly #admissions = new Map<string, Map<string, Admission>>();
  /** Sets of sites by what is in them: many administrations have the same, and ten thousand copies are a burden. */
  readonly #siteSets = new Map<string, SiteSet>();
  readonly #services = new Map<string, Service>();
  readonly #sitesIn = new Map<string, readonly string[]>();
  #siteSetsMade = 0;
  #sites: readonly Site[] | null = null;
  /** A decision asks for the same one several times. */
  #last: { id: string; dataClass: string; admission: Admission } | null = null;

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  /** To be called after sites, partners, agreements, classes or the tree have changed. */
  forgetAll(): void {
    this.#kept.clear();
    this.#admissions.clear();
    this.#siteSets.clear();
    this.#services.clear();
    this.#sitesIn.clear();
    this.#sites = null;
    this.#last = null;
  }

  /** To be called after a rule about a subtree, or with null about all, has changed. */
  forgetLaw(node: Node | null, dataClass: string): void {
    this.#last = null;
    if (node === null) this.#admissions.delete(dataClass);
    else for (const { id } of node.subtree()) this.#admissions.get(dataClass)?.delete(id);
  }

  /** To be called after a quota of a subtree has come or gone. */
  forgetQuotas(node: Node): void {
    this.#last = null;
    for (const { id } of node.subtree()) {
      const kept = this.#kept.get(id);
      if (kept === undefined) continue;
      kept.counting = null;
      for (const ofClass of this.#admissions.values()) ofClass.delete(id);
    }
  }

  of(id: string, dataClass: string): Admission {
    const last = this.#last;
    if (last !== null && last.id === id && last.dataClass === dataClass) return last.admission;
    const admission = this.#find(id, dataClass);
    this.#last = { id, dataClass, admission };
    return admission;
  }

  #find(id: string, dataClass: string): Admission {
    let ofClass = this.#admissions.get(dataClass);
    if (ofClass === undefined) {
      ofClass = new Map();
      this.#admissions.set(dataClass, ofClass);
    }
    let admission = ofClass.get(id);
    if (admission === undefined) {
      admission = this.#admit(id, dataClass);
      ofClass.set(id, admission);
    }
    return admission;
  }

  #admit(id: string, dataClass: string): Admission {
    let kept = this.#kept.get(id);
    if (kept === undefined) {
      kept = { service: null, counting: null };
      this.#kept.set(id, kept);
    }
    this.#sites ??= this.#sources.sites();
    const sites = this.#sites;
    const administration = this.#sources.administration(id);
    const node = this.#sources.node(id);
    kept.counting ??= this.#countingOf(node, sites);
    // Nobody's VMs may be nowhere.
    if (administration === undefined) {
      const nowhere = new Set<string>();
      const service = { served: nowhere, foreign: [] as Foreign[] };
      return { lawful: nowhere, service, key: this.#siteSet([]).key, counting: kept.counting };
    }
    kept.service ??= this.#shared(this.#sources.service(administration, sites));
    const { service, counting } = kept;
    const rules: RulesInForce = rulesInForce(this.#sources.rulesFor(node, dataClass));
    const level = this.#sources.level(dataClass);
    const lawful = lawfulSites(rules, level, administration.country, sites);
    if (lawful === null && service.served === null) return { lawful, service, key: '', counting };
    const allowed: string[] = [];
    for (const site of sites) {
      if (lawful !== null && !lawful.has(site.id)) continue;
      if (service.served === null || service.served.has(site.id)) allowed.push(site.id);
    }
    const key = allowed.length === sites.length ? '' : this.#siteSet(allowed).key;
    const sharedLawful = lawful === null ? null : this.#siteSet([...lawful]).sites;
    return { lawful: sharedLawful, service, key, counting };
  }

  /** A key for a set of sites. A number is never given twice, so that what is kept under an old one is never taken for it. */
  #siteSet(sites: readonly string[]): SiteSet {
    const content = sites.join();
    let known = this.#siteSets.get(content);
    if (known === undefined) {
      this.#siteSetsMade += 1;
      known = { key: `at ${this.#siteSetsMade}`, sites: new Set(sites) };
      this.#siteSets.set(content, known);
    }
    return known;
  }

  #shared(service: Service): Service {
    const foreign = service.foreign.map(({ sites, agreements }) => [
      sites.length,
      sites[0],
      ...agreements.map(({ agreement }) => agreement.id),
    ]);
    const key = JSON.stringify([service.served === null ? null : [...service.served], foreign]);
    const known = this.#services.get(key);
    if (known !== undefined) return known;
    this.#services.set(key, service);
    return service;
  }

  #countingOf(from: Node, sites: readonly Site[]): Counting {
    const everywhere: Meter[] = [];
    const scoped: Meter[] = [];
    const groups: number[] = [];
    for (const { meters, group } of from.upwards()) {
      if (group >= 0) groups.push(group);
      for (const meter of meters.values()) {
        const { scope } = meter.quota;
        if (scope.kind === 'everywhere') {
          everywhere.push(meter);
          continue;
        }
        meter.sites = this.#sitesOf(scope, sites);
        if (meter.sites.length > 0) scoped.push(meter);
      }
    }
    return { everywhere: counted(everywhere), scoped: counted(scoped), groups };
  }

  #sitesOf(scope: Scope, sites: readonly Site[]): readonly string[] {
    const key = scopeKey(scope);
    let known = this.#sitesIn.get(key);
    if (known === undefined) {
      known = sites.filter((site) => covers(scope, site)).map(({ id }) => id);
      this.#sitesIn.set(key, known);
    }
    return known;
  }
}

function counted(meters: readonly Meter[]): Counted {
  return { meters, rows: meters.map(({ row }) => row) };
}

interface SiteSet {
  key: string;
  sites: ReadonlySet<string>;
}
