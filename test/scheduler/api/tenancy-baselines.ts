/** A request of every method of tenancy that would be in order, or nearly: what is changed in it is what is wrong. */
import { adm } from './federation.js';

const fullLimit = { vcpus: 8, memoryMib: 1024, diskMib: 2048, vms: 3, extras: { 'gpu:a30': 1 } };

const fullRule = {
  dataClass: 'dataClasses/personal',
  administration: adm,
  allowed: { countries: ['HR'], jurisdictions: ['EU'] },
  forbidden: { countries: ['AL'], jurisdictions: ['US'] },
  legalBasis: 'GDPR, Art. 44',
  priority: 5,
  validFrom: { seconds: 3_900_000_000 },
  validUntil: { seconds: 4_000_000_000 },
  startInPlaceUntil: { seconds: 3_950_000_000 },
};

const fullAgreement = {
  title: 'x',
  partner: 'partners/partner',
  beneficiaryAdministration: 'administrations/town',
  limit: fullLimit,
  limitPercent: 20,
  reserve: fullLimit,
  price: { currency: 'EUR', vcpuMicros: 12_000, memoryGibMicros: 1, diskGibMicros: 0, stoppedPercent: 50 },
  validFrom: { seconds: 3_900_000_000 },
  validUntil: { seconds: 4_000_000_000 },
  noticeDays: 90,
};

export const tenancyBaselines = {
  UpdateAdministration: {
    administration: { name: adm, title: 'x', stoppedVms: 'STOPPED_VM_POLICY_FREE', etag: '"99"' },
    updateMask: { paths: ['title', 'stopped_vms'] },
  },
  MoveAdministration: { name: 'administrations/town', parent: adm, etag: '"99"' },
  SuspendAdministration: { name: 'administrations/village' },
  ResumeAdministration: { name: adm },
  CreatePartner: {
    partnerId: 'fuzzed',
    partner: { title: 'x', country: 'HR', administrations: [adm], open: true },
  },
  GetPartner: { name: 'partners/partner' },
  ListPartners: { pageSize: 5 },
  UpdatePartner: {
    partner: { name: 'partners/partner', title: 'x', administrations: [adm], open: true, etag: '"99"' },
    updateMask: { paths: ['title', 'administrations', 'open'] },
  },
  DeletePartner: { name: 'partners/none', etag: '' },
  SetQuota: { parent: 'administrations/village', scope: { country: 'HR' }, limit: fullLimit, etag: '"99"' },
  GetQuota: { name: `${adm}/quotas/everywhere` },
  ListQuotas: { parent: adm, subtree: true, pageSize: 5 },
  DeleteQuota: { name: `${adm}/quotas/site-zagreb`, etag: '' },
  VerifyQuotas: {},
  CreateLoan: {
    loanId: 'fuzzed',
    loan: {
      lender: 'administrations/village',
      borrower: 'administrations/town',
      scope: { site: 'sites/zagreb' },
      amount: fullLimit,
      expireTime: { seconds: 4_000_000_000 },
      note: 'x',
    },
  },
  GetLoan: { name: 'loans/none' },
  ListLoans: { administration: adm, showEnded: true, pageSize: 5 },
  RecallLoan: { name: 'loans/none', etag: '"9"' },
  CreateDataClass: { dataClassId: 'fuzzed', dataClass: { title: 'x', level: 25 } },
  ListDataClasses: { pageSize: 5 },
  DeleteDataClass: { name: 'dataClasses/none' },
  CreateResidencyRule: { residencyRuleId: 'fuzzed', residencyRule: fullRule },
  GetResidencyRule: { name: 'residencyRules/none' },
  ListResidencyRules: { administration: adm, pageSize: 5 },
  UpdateResidencyRule: {
    residencyRule: { ...fullRule, name: 'residencyRules/none', etag: '"99"' },
    updateMask: { paths: ['allowed', 'forbidden', 'legal_basis', 'priority', 'valid_until'] },
  },
  DeleteResidencyRule: { name: 'residencyRules/none', etag: '' },
  ExplainResidency: { administration: adm, dataClass: 'dataClasses/personal' },
  ListBreaches: { administration: adm, pageSize: 5 },
  CreateAgreement: { agreementId: 'fuzzed', agreement: fullAgreement },
  GetAgreement: { name: 'agreements/none' },
  ListAgreements: { partner: 'partners/partner', pageSize: 5 },
  UpdateAgreement: {
    agreement: { ...fullAgreement, name: 'agreements/none', etag: '"99"' },
    updateMask: { paths: ['title', 'limit', 'limit_percent', 'reserve', 'price', 'notice_days'] },
  },
  RecallAgreement: { name: 'agreements/none', etag: '"9"' },
  DeleteAgreement: { name: 'agreements/none', etag: '' },
};

export type TenancyMethod = keyof typeof tenancyBaselines;
