/** Decisions about data classes, and about where their data may be. */
import type { CommandOf } from '../commands.js';
import type { Decision } from '../decide.js';
import { staleEtag } from '../etag.js';
import { alreadyExists, notFound, type Refusal, refuse } from '../refusal.js';
import type { State } from '../state.js';
import type { DataClass, Places, ResidencyRule } from './model.js';
import { isEmpty } from './residency.js';
import { ruleAt } from './times.js';

export function createClass(
  state: State,
  { id, title, level }: CommandOf<'class.create'>,
  nowMs: number,
): Decision<DataClass> {
  if (state.tenancy.classes.has(id)) return { refusal: alreadyExists('data class', id) };
  const dataClass: DataClass = { id, title, level, builtIn: false, createdMs: nowMs };
  return { changes: [{ type: 'class.set', dataClass }], reply: () => dataClass };
}

export function deleteClass(state: State, { id }: CommandOf<'class.delete'>): Decision<null> {
  const dataClass = state.tenancy.classes.get(id);
  if (dataClass === undefined) return { refusal: notFound('data class', id) };
  if (dataClass.builtIn) {
    return {
      refusal: refuse('precondition', 'CLASS_BUILT_IN', `data class "${id}" comes with Secovia and stays`),
    };
  }
  const rules = [...state.tenancy.rules.values()].filter((rule) => rule.dataClass === id).length;
  let vms = 0;
  for (const vm of state.vms.values()) if (vm.dataClass === id) vms += 1;
  if (rules + vms > 0) {
    return {
      refusal: refuse(
        'precondition',
        'CLASS_IN_USE',
        `data class "${id}" is the class of ${vms} VMs and of ${rules} residency rules; change or delete them first`,
        { vms: String(vms), rules: String(rules) },
      ),
    };
  }
  return { changes: [{ type: 'class.deleted', id }], reply: () => null };
}

export function createRule(
  state: State,
  command: CommandOf<'residency.create'>,
  nowMs: number,
): Decision<ResidencyRule> {
  const { id, dataClass, administration, allowed, forbidden, legalBasis, priority } = command;
  const { untilMs, startUntilMs } = command;
  if (state.tenancy.rules.has(id)) return { refusal: alreadyExists('residency rule', id) };
  if (!state.tenancy.classes.has(dataClass)) return { refusal: notFound('data class', dataClass) };
  if (administration !== null && !state.administrations.has(administration))
    return { refusal: notFound('administration', administration) };
  const fromMs = command.fromMs ?? nowMs;
  const refusal = saysNothing(allowed, forbidden) ?? endsTooSoon(untilMs, Math.max(fromMs, nowMs));
  if (refusal) return { refusal };
  const planned: ResidencyRule = {
    id,
    dataClass,
    administration,
    allowed,
    forbidden,
    legalBasis,
    priority,
    fromMs,
    untilMs,
    startUntilMs,
    state: 'planned',
    revision: 1,
    createdMs: nowMs,
    updatedMs: nowMs,
  };
  const rule = ruleAt(planned, nowMs);
  return { changes: [{ type: 'residency.set', rule }], reply: () => rule };
}

export function updateRule(
  state: State,
  command: CommandOf<'residency.update'>,
  nowMs: number,
): Decision<ResidencyRule> {
  const before = state.tenancy.rules.get(command.id);
  if (before === undefined) return { refusal: notFound('residency rule', command.id) };
  const stale = staleEtag(command.etag, before.revision);
  if (stale) return { refusal: stale };
  const { allowed = before.allowed, forbidden = before.forbidden } = command;
  const { legalBasis = before.legalBasis, priority = before.priority } = command;
  const { untilMs = before.untilMs, startUntilMs = before.startUntilMs } = command;
  // What has expired is as it was: a new rule is a new decision.
  if (before.state === 'expired') {
    const message = `residency rule "${before.id}" has expired; create another`;
    return { refusal: refuse('precondition', 'RULE_EXPIRED', message) };
  }
  const refusal =
    saysNothing(allowed, forbidden) ??
    (untilMs === before.untilMs ? null : endsTooSoon(untilMs, Math.max(before.fromMs, nowMs)));
  if (refusal) return { refusal };
  const rule: ResidencyRule = {
    ...before,
    allowed,
    forbidden,
    legalBasis,
    priority,
    untilMs,
    startUntilMs,
    revision: before.revision + 1,
    updatedMs: nowMs,
  };
  return { changes: [{ type: 'residency.set', rule }], reply: () => rule };
}

export function deleteRule(state: State, command: CommandOf<'residency.delete'>): Decision<null> {
  const rule = state.tenancy.rules.get(command.id);
  if (rule === undefined) return { refusal: notFound('residency rule', command.id) };
  const stale = staleEtag(command.etag, rule.revision);
  if (stale) return { refusal: stale };
  return { changes: [{ type: 'residency.deleted', id: rule.id }], reply: () => null };
}

function saysNothing(allowed: Places, forbidden: Places): Refusal | null {
  if (!isEmpty(allowed) || !isEmpty(forbidden)) return null;
  const description = 'name at least one country or jurisdiction that is allowed or forbidden';
  return {
    ...refuse('invalid', 'RULE_SAYS_NOTHING', description),
    violations: [{ field: 'residency_rule.allowed', description }],
  };
}

function endsTooSoon(untilMs: number | null, fromMs: number): Refusal | null {
  if (untilMs === null || untilMs > fromMs) return null;
  const description = 'must be in the future, and after the rule begins';
  return {
    ...refuse('invalid', 'ENDS_TOO_SOON', `valid_until ${description}`),
    violations: [{ field: 'residency_rule.valid_until', description }],
  };
}
