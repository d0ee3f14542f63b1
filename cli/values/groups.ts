/**
 * How a VM is placed in relation to the others of a group, as people type and read it: `web:apart`,
 * `db:spread:rack:1`, `cache:together:site:soft`. What is shown can be typed again as it stands.
 */
import type { GroupRule, GroupRule__Output } from '../../proto/gen/secovia/v1/GroupRule.js';
import { ValueError } from './value-error.js';

const policies = {
  together: 'GROUP_POLICY_AFFINITY',
  apart: 'GROUP_POLICY_ANTI_AFFINITY',
  spread: 'GROUP_POLICY_SPREAD',
} as const;

const scopes = { host: 'GROUP_SCOPE_HOST', rack: 'GROUP_SCOPE_RACK', site: 'GROUP_SCOPE_SITE' } as const;

type Policy = keyof typeof policies;
type Scope = keyof typeof scopes;

const softWord = 'soft';
const greatestSkew = 1000;

/** A rule added to those that came before it: a VM belongs to a group once. */
export function addGroup(text: string, before: GroupRule[] = []): GroupRule[] {
  const rule = parseGroup(text);
  if (before.some(({ group }) => group === rule.group)) {
    throw new ValueError(`The group ${JSON.stringify(rule.group)} is given twice.`);
  }
  return [...before, rule];
}

/**
 * Reads `NAME:POLICY[:SCOPE][:soft][:SKEW]`.
 *
 * @throws ValueError with a sentence that says what is allowed.
 */
export function parseGroup(text: string): GroupRule {
  const [group = '', policy = '', ...rest] = text.split(':');
  if (!/^[a-z0-9-]{1,63}$/.test(group)) {
    throw new ValueError(
      `${JSON.stringify(group)} cannot name a group: use lower-case letters, digits and hyphens, and write NAME:POLICY, for example web:apart.`,
    );
  }
  if (!isKey(policies, policy)) {
    const wrong = policy === '' ? 'A policy is missing' : `${JSON.stringify(policy)} is no policy`;
    throw new ValueError(`${wrong}: write ${group}:together, ${group}:apart or ${group}:spread.`);
  }
  const { scope, soft, skew } = refinements(rest);
  if (policy === 'spread' && scope === 'host') {
    throw new ValueError(
      `VMs are spread over racks or sites: write ${group}:spread:rack or ${group}:spread:site.`,
    );
  }
  return {
    group,
    policy: policies[policy],
    scope: scopes[scope ?? defaultScope(policy)],
    soft,
    maxSkew: checkedSkew(skew, policy),
  };
}

interface Refinements {
  scope: Scope | undefined;
  soft: boolean;
  skew: string | undefined;
}

/** What stands after the policy. Each word can only mean one thing, so their order does not matter. */
function refinements(words: readonly string[]): Refinements {
  const said: Refinements = { scope: undefined, soft: false, skew: undefined };
  for (const word of words) {
    if (isKey(scopes, word) && said.scope === undefined) said.scope = word;
    else if (word === softWord && !said.soft) said.soft = true;
    else if (/^\d+$/.test(word) && said.skew === undefined) said.skew = word;
    else {
      throw new ValueError(
        `After the policy may stand host, rack or site, then soft, then for spread a number, each once: ${JSON.stringify(word)} may not.`,
      );
    }
  }
  return said;
}

function defaultScope(policy: Policy): Scope {
  return policy === 'spread' ? 'rack' : 'host';
}

/** 0 leaves it to the scheduler. */
function checkedSkew(skew: string | undefined, policy: Policy): number {
  if (skew === undefined) return 0;
  if (policy !== 'spread') throw new ValueError(`Only spread takes a number: leave out :${skew}.`);
  if (Number(skew) >= 1 && Number(skew) <= greatestSkew) return Number(skew);
  throw new ValueError(
    `The number is how many VMs more one place may have than another: write 1 to ${greatestSkew}.`,
  );
}

/** `db:spread:rack:1`. What only a newer scheduler knows is shown as it came. */
export function formatGroup({ group, policy, scope, soft, maxSkew }: GroupRule__Output): string {
  const skew = policy === policies.spread && maxSkew > 0 ? String(maxSkew) : '';
  return [group, wordOf(policies, policy), wordOf(scopes, scope), soft ? softWord : '', skew]
    .filter(Boolean)
    .join(':');
}

/** What a rule that has its name can go on as, for completion. */
export function groupContinuations(text: string): string[] {
  const said = text.split(':').slice(0, -1);
  const [, policy] = said;
  const next = policy === undefined ? Object.keys(policies) : refinementsLeft(policy, said.slice(2));
  return next.map((word) => [...said, word].join(':'));
}

function refinementsLeft(policy: string, said: readonly string[]): string[] {
  const offered = Object.keys(scopes).filter((scope) => policy !== 'spread' || scope !== 'host');
  const hasScope = said.some((word) => isKey(scopes, word));
  return [...(hasScope ? [] : offered), ...(said.includes(softWord) ? [] : [softWord])];
}

function isKey<K extends string>(words: Record<K, string>, word: string): word is K {
  return Object.hasOwn(words, word);
}

function wordOf(words: Record<string, string>, value: string): string {
  return Object.keys(words).find((word) => words[word] === value) ?? String(value);
}
