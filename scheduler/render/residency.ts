/** Data classes, residency rules, and what follows from them, as messages. */
import type { Breach as BreachMessage } from '../../proto/gen/secovia/v1/Breach.js';
import type { DataClass as DataClassMessage } from '../../proto/gen/secovia/v1/DataClass.js';
import type { ResidencyRule as ResidencyRuleMessage } from '../../proto/gen/secovia/v1/ResidencyRule.js';
import type { RuleState__Output as RuleStateName } from '../../proto/gen/secovia/v1/RuleState.js';
import type { SiteVerdict as SiteVerdictMessage } from '../../proto/gen/secovia/v1/SiteVerdict.js';
import { discreet } from '../core/access/discretion.js';
import type { Sight } from '../core/access/sight.js';
import { etagOf } from '../core/etag.js';
import type { Vm } from '../core/model.js';
import { cutText } from '../core/text.js';
import type { State } from '../core/state.js';
import type { Breach, DataClass, ResidencyRule } from '../core/tenancy/model.js';
import { plannedHost, type SiteVerdict } from '../core/tenancy/answers.js';
import { duration, timestamp } from './basics.js';
import { breachSentence } from '../core/tenancy/breach-words.js';
import { hostNameInSight } from './in-sight.js';
import { nameOf, vmName } from './names.js';

const ruleStateNames: Record<ResidencyRule['state'], RuleStateName> = {
  planned: 'RULE_STATE_PLANNED',
  in_force: 'RULE_STATE_IN_FORCE',
  expired: 'RULE_STATE_EXPIRED',
};

/** Of the sentence that says why a VM can go nowhere; a page has a thousand of them. */
const noHostLimit = 1000;

export function dataClassMessage({ id, title, level, builtIn, createdMs }: DataClass): DataClassMessage {
  return { name: nameOf('data class', id), title, level, builtIn, createTime: timestamp(createdMs) };
}

export function residencyRuleMessage(rule: ResidencyRule): ResidencyRuleMessage {
  return {
    name: nameOf('residency rule', rule.id),
    dataClass: nameOf('data class', rule.dataClass),
    administration: rule.administration === null ? '' : nameOf('administration', rule.administration),
    allowed: rule.allowed,
    forbidden: rule.forbidden,
    legalBasis: rule.legalBasis,
    priority: rule.priority,
    validFrom: timestamp(rule.fromMs),
    validUntil: timestamp(rule.untilMs ?? 0),
    startInPlaceUntil: timestamp(rule.startUntilMs ?? 0),
    state: ruleStateNames[rule.state],
    etag: etagOf(rule.revision),
    createTime: timestamp(rule.createdMs),
    updateTime: timestamp(rule.updatedMs),
  };
}

/** A VM in breach, with where it would go: that is a search for a host. */
export function breachMessage(
  state: State,
  sight: Sight,
  vm: Vm,
  breach: Breach,
  nowMs: number,
): BreachMessage {
  const site = vm.host === null ? undefined : state.hosts.get(vm.host)?.site;
  const planned = plannedHost(state, vm);
  return {
    vm: vmName(vm.administration, vm.id),
    vmUid: vm.uid,
    host: vm.host === null ? '' : nameOf('host', vm.host),
    site: site === undefined ? '' : nameOf('site', site),
    reasonCode: breach.code,
    reason: breachSentence(breach),
    since: timestamp(breach.sinceMs),
    age: duration(Math.max(0, nowMs - breach.sinceMs)),
    startInPlaceUntil: timestamp(breach.startUntilMs ?? 0),
    ...(planned.noHost === undefined
      ? { plannedHost: hostNameInSight(sight, planned.host) }
      : { noHost: cutText(discreet(state, sight, planned.noHost).message, noHostLimit) }),
  };
}

export function siteVerdictMessage(verdict: SiteVerdict): SiteVerdictMessage {
  const { site, lawful, rule, served, agreements, reason } = verdict;
  return {
    site: nameOf('site', site.id),
    lawful,
    residencyRule: rule === null ? '' : nameOf('residency rule', rule.id),
    served,
    agreements: agreements.map(({ id }) => nameOf('agreement', id)),
    reason,
  };
}
