/** The caller has named traits that the host must have, and others that it must not have. */
import type { Rule } from './index.js';

const nothing: readonly string[] = [];

export const requiredTraits: Rule = {
  reads: 'profile',
  code: 'LACKS_TRAIT',
  excludes: (_state, { traits }, { placement }) =>
    (placement.requiredTraits ?? nothing).some((trait) => !traits.has(trait)),
};

export const forbiddenTraits: Rule = {
  reads: 'profile',
  code: 'FORBIDDEN_TRAIT',
  excludes: (_state, { traits }, { placement }) =>
    (placement.forbiddenTraits ?? nothing).some((trait) => traits.has(trait)),
};
