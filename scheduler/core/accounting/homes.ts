/**
 * Whose own an administration is, as far as the journal has been read: of the partner that names it or, else, the nearest
 * one above it; when none does, of the first partner (by id) of its country that names nobody.
 */
import type { Change } from '../changes.js';
import { must } from './must.js';

interface KnownPartner {
  country: string;
  administrations: readonly string[];
}

interface KnownAdministration {
  parent: string | null;
  country: string;
}

/** All that is known, as plain data. */
export interface KnownHomes {
  partners: [id: string, partner: KnownPartner][];
  administrations: [id: string, administration: KnownAdministration][];
}

type HomesChange = Extract<
  Change,
  { type: 'site.created' | `partner.${string}` | `administration.${'created' | 'moved' | 'deleted'}` }
>;

export class Homes {
  readonly #partners: Map<string, KnownPartner>;
  readonly #administrations: Map<string, KnownAdministration>;
  /** Partners by the administrations that they name, and by the country of which they take all; made when asked for. */
  #byAdministration: Map<string, string> | null = null;
  #byCountry = new Map<string, string>();

  constructor({ partners, administrations }: KnownHomes = { partners: [], administrations: [] }) {
    this.#partners = new Map(partners);
    this.#administrations = new Map(administrations);
  }

  known(): KnownHomes {
    return { partners: [...this.#partners], administrations: [...this.#administrations] };
  }

  /** Takes a change in. */
  apply(change: HomesChange): void {
    switch (change.type) {
      case 'site.created': {
        // Older versions had no partners but in the records of their sites, and served everybody.
        const { partner, country } = change.site;
        if (this.#partners.has(partner)) return;
        this.#partners.set(partner, { country, administrations: [] });
        break;
      }
      case 'partner.set': {
        const { id, country, administrations } = change.partner;
        this.#partners.set(id, { country, administrations });
        break;
      }
      case 'partner.deleted':
        this.#partners.delete(change.id);
        break;
      case 'administration.created': {
        const { id, parent, country } = change.administration;
        this.#administrations.set(id, { parent, country });
        return;
      }
      case 'administration.moved':
        must(this.#administrations.get(change.id), change).parent = change.parent;
        return;
      case 'administration.deleted':
        this.#administrations.delete(change.id);
        return;
    }
    this.#byAdministration = null;
  }

  /** The partner whose own an administration is; null when it is nobody's. */
  homeOf(administration: string): string | null {
    const named = this.#namings();
    for (let id: string | null = administration; id !== null; ) {
      const partner = named.get(id);
      if (partner !== undefined) return partner;
      id = this.#administrations.get(id)?.parent ?? null;
    }
    const country = this.#administrations.get(administration)?.country ?? '';
    return this.#byCountry.get(country) ?? null;
  }

  /** Whether an administration is another one, or below it. */
  isWithin(administration: string, top: string): boolean {
    for (let id: string | null = administration; id !== null; ) {
      if (id === top) return true;
      id = this.#administrations.get(id)?.parent ?? null;
    }
    return false;
  }

  #namings(): Map<string, string> {
    if (this.#byAdministration !== null) return this.#byAdministration;
    const named = new Map<string, string>();
    this.#byCountry = new Map();
    // The first by id has it, should several name the same.
    for (const id of [...this.#partners.keys()].sort()) {
      const { country, administrations } = this.#partners.get(id) as KnownPartner;
      for (const each of administrations) if (!named.has(each)) named.set(each, id);
      if (administrations.length === 0 && !this.#byCountry.has(country)) this.#byCountry.set(country, id);
    }
    this.#byAdministration = named;
    return named;
  }
}
