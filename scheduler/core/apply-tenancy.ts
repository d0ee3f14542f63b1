/** How a change of tenancy changes the state: its record, and what is kept up beside it. */
import { must } from './apply.js';
import type { Change } from './changes.js';
import type { State } from './state.js';
import { quotaKey } from './tenancy/scope.js';

export type TenancyChange = Extract<
  Change,
  { type: `${'partner' | 'quota' | 'loan' | 'class' | 'residency' | 'agreement' | 'breach'}.${string}` }
>;

export function applyTenancyChange({ tenancy, touched }: State, change: TenancyChange): void {
  switch (change.type) {
    case 'partner.set':
      tenancy.setPartner(change.partner);
      touched.write('partner', change.partner.id, change.partner);
      return;
    case 'partner.deleted':
      touched.remove('partner', change.id, must(tenancy.partners.get(change.id), change));
      tenancy.removePartner(change.id);
      return;
    case 'quota.set': {
      const { quota } = change;
      tenancy.setQuota(quota);
      touched.write('quota', quotaKey(quota.administration, quota.scope), quota);
      return;
    }
    case 'quota.deleted': {
      const key = quotaKey(change.administration, change.scope);
      touched.remove('quota', key, must(tenancy.quotas.get(key), change));
      tenancy.removeQuota(key);
      return;
    }
    case 'loan.set':
      tenancy.setLoan(change.loan);
      touched.write('loan', change.loan.id, change.loan);
      return;
    case 'class.set':
      tenancy.setClass(change.dataClass);
      touched.write('class', change.dataClass.id, change.dataClass);
      return;
    case 'class.deleted':
      touched.remove('class', change.id, must(tenancy.classes.get(change.id), change));
      tenancy.removeClass(change.id);
      return;
    case 'residency.set':
      tenancy.setRule(change.rule);
      touched.write('rule', change.rule.id, change.rule);
      return;
    case 'residency.deleted':
      touched.remove('rule', change.id, must(tenancy.rules.get(change.id), change));
      tenancy.removeRule(change.id);
      return;
    case 'agreement.set':
      tenancy.setAgreement(change.agreement);
      touched.write('agreement', change.agreement.id, change.agreement);
      return;
    case 'agreement.deleted':
      touched.remove('agreement', change.id, must(tenancy.agreements.get(change.id), change));
      tenancy.removeAgreement(change.id);
      return;
    case 'breach.began':
      tenancy.setBreach(change.breach);
      touched.write('breach', change.breach.id, change.breach);
      return;
    case 'breach.ended':
      touched.remove('breach', change.id, must(tenancy.breaches.get(change.id), change));
      tenancy.removeBreach(change.id);
  }
}
