/** Identities and join tokens, as part of the state. Hosts carry their certificates themselves. */
import type { Identity, JoinToken } from './model.js';

export class Access {
  readonly identities = new Map<string, Identity>();
  readonly tokens = new Map<string, JoinToken>();
}
