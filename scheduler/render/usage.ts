/** Segments of use and settlements as messages. */
import type { Settlement as SettlementMessage } from '../../proto/gen/secovia/v1/Settlement.js';
import type { UsageSegment } from '../../proto/gen/secovia/v1/UsageSegment.js';
import type { Sight } from '../core/access/sight.js';
import { minorDecimals } from '../core/accounting/currency.js';
import type { Settled } from '../core/accounting/questions.js';
import type { Segment } from '../core/accounting/segment.js';
import { costMicros } from '../core/accounting/usage-report.js';
import { timestamp } from './basics.js';
import { isPartyInSight } from './in-sight.js';
import { nameOf, vmName } from './names.js';

export function segmentMessage(segment: Segment): UsageSegment {
  const { uid, administration, vm, place, terms, vcpus, memoryMib, diskMib, stopped } = segment;
  return {
    vm: vmName(administration, vm),
    vmUid: uid,
    host: nameOf('host', place.host),
    site: nameOf('site', place.site),
    country: place.country,
    partner: `partners/${place.partner}`,
    agreement: terms === null ? '' : `agreements/${terms.agreement}`,
    vcpus,
    memoryMib,
    diskMib,
    stopped,
    startTime: timestamp(segment.fromMs),
    endTime: timestamp(segment.toMs),
    costMicros: costMicros(segment),
    currency: terms?.price.currency ?? '',
  };
}

/** Of lines and debts those of which the reader is a side. */
export function settlementMessage(sight: Sight, month: string, settled: Settled): SettlementMessage {
  const isSide = (one: { debtor: string; creditor: string }) =>
    isPartyInSight(sight, one.debtor) || isPartyInSight(sight, one.creditor);
  const { lines: all, debts, balances, ...rest } = settled;
  const lines = all.filter(isSide);
  const currencies = [...new Set(lines.map(({ currency }) => currency))].sort();
  return {
    month,
    ...rest,
    debts: debts.filter(isSide),
    balances: balances.filter(({ party }) => isPartyInSight(sight, party)),
    lines: lines.map((line) => ({ ...line, agreement: `agreements/${line.agreement}` })),
    currencies: currencies.map((currency) => ({ currency, minorDecimals: minorDecimals(currency) })),
  };
}
