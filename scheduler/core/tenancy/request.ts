/** What a VM to be placed would hold, as quotas and agreements count it. */
import type { Held } from './holdings.js';

export interface TenancyRequest {
  administration: string;
  dataClass: string;
  /** What it would hold altogether, whatever of it the host itself has to have. */
  holds: Held;
  /** What it is counted with now and where; null for a VM that holds nothing yet. */
  counted: Counted | null;
}

export interface Counted {
  site: string;
  agreement: string | undefined;
  /** What it would hold beyond that. */
  growth: Held;
}
