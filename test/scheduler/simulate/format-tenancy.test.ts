/** What a scenario may say of partners, limits, rules and agreements, and what is answered to one that is wrong. */
import { test } from 'tap';
import { simulate } from '../../../scheduler/simulate/simulate.js';
import { ScenarioError } from '../../../scheduler/simulate/source.js';

/** What is wrong with a text, a line each. */
function faults(text: string): string {
  try {
    simulate(text);
  } catch (error) {
    if (error instanceof ScenarioError) return error.message;
    throw error;
  }
  return '';
}

const about = 'about: A test.\n';
const oneHost = `${about}hosts: [{ id: a }]\n`;
const twoPartners = `${about}partners: { carnet: {}, arnes: { country: SI } }\n`;
const placing = (what: string, expected: string) =>
  `${oneHost}steps: [{ place: ${what}, expect: ${expected} }]`;

/** A text, and what is said of it. */
const wrong: Record<string, [text: string, ...said: string[]][]> = {
  'a key that is not known': [
    [`${about}partners: { p: { contry: HR } }`, 'line 2: partners.p.contry is not known; known are country,'],
    [
      `${about}quotas:\n  - { limit: { vcpu: 3 } }`,
      'line 3: quotas[1].limit.vcpu is not known; known are vcpus, memory,',
    ],
    [`${about}residency: { r: { class: public, allow: {} } }`, 'residency.r.allow is not known; known are'],
    [
      `${twoPartners}agreements: { g: { partner: carnet, beneficiary: { partnr: arnes } } }`,
      'agreements.g.beneficiary.partnr is not known; known are partner',
      'agreements.g.beneficiary.partner is missing',
    ],
    [
      `${about}steps: [{ set: { quota: town, sites: zagreb } }]`,
      'steps[1].set.sites is not known; known are quota, country, site, limit',
      'steps[1].set.limit is missing',
    ],
    [`${about}steps: [{ set: { rule: r, allow: {} } }]`, 'steps[1].set.allow is not known; known are rule,'],
    [`${about}steps: [{ recall: { lone: x } }]`, 'steps[1].recall.lone is not known; known are agreement'],
    [
      placing('{ name: web }', '{ refused: NO_HOST, exeeded: [] }'),
      'expect.exeeded is not known; known are refused, sole, suggestion,',
    ],
  ],
  'a value that is not allowed': [
    [`${about}quotas: [{ limit: { memory: 4GB } }]`, 'quotas[1].limit.memory must be a size such as 512Mi,'],
    [
      `${about}quotas: [{ country: HR, site: zagreb, limit: {} }]`,
      'quotas[1].site must have "country" or "site", not both',
    ],
    [`${about}quotas: [{ limit: { extras: { GPU: 1 } } }]`, 'must be the name of an extra, such as gpu:a30'],
    [
      `${twoPartners}agreements: { g: { partner: carnet, beneficiary: { partner: arnes }, percent: 101 } }`,
      'agreements.g.percent must be a whole number from 1 to 100',
    ],
    [`${about}administrations: { a: { stoppedVms: fre } }`, 'stoppedVms must be one of keep, free'],
    [`${about}steps: [{ wait: { days: 0 } }]`, 'steps[1].wait.days must be a whole number from 1 to 36500'],
    [
      placing('{ name: web }', '{ refused: NO_HOST, exceeded: [town] }'),
      'expect.exceeded speaks of "town"; what is exceeded is written administrations/A/quotas/everywhere',
    ],
    [
      `${oneHost}steps: [{ place: { name: v } }, { breaches: {}, expect: { v: { to: a, because: LAW } } }]`,
      'steps[2].expect.v.because must be one of NOT_LAWFUL, AGREEMENT_ENDED, NO_AGREEMENT',
    ],
  ],
  'a name that is not there': [
    [
      `${about}sites: { zagreb: { partner: carnet } }`,
      'sites.zagreb.partner speaks of partner "carnet", which is not there; there are no partners',
    ],
    [`${twoPartners}`, 'sites.zagreb.partner is missing; partners are carnet, arnes'],
    [
      `${about}partners: { p: { administrations: [x] } }`,
      'partners.p.administrations speaks of administration "x", which is not there; administrations are town',
    ],
    [`${about}quotas: [{ administration: x, limit: {} }]`, 'quotas[1].administration speaks of'],
    [
      `${about}administrations: { a: , b: }\nquotas: [{ limit: {} }]`,
      'line 3: quotas[1].administration is missing; administrations are a, b',
    ],
    [`${about}quotas: [{ site: x, limit: {} }]`, 'quotas[1].site speaks of site "x"'],
    [
      `${about}loans: { l: { lender: town, borrower: x, amount: {} } }`,
      'loans.l.borrower speaks of administration "x"',
    ],
    [
      `${about}residency: { r: { class: persnal, forbidden: { countries: [SI] } } }`,
      'residency.r.class speaks of class "persnal", which is not there; classes are public, internal, personal,',
    ],
    [
      `${twoPartners}sites: { z: { partner: carnet } }\nagreements: { g: { partner: x, beneficiary: { administration: y } } }`,
      'agreements.g.partner speaks of partner "x"',
      'agreements.g.beneficiary.administration speaks of administration "y"',
    ],
    [`${oneHost}vms: [{ name: v, host: a, agreement: g }]`, 'vms[1].agreement speaks of agreement "g"'],
    [placing('{ name: v, class: x }', 'a'), 'steps[1].place.class speaks of class "x"'],
    [`${about}steps: [{ set: { quota: x, limit: none } }]`, 'steps[1].set.quota speaks of administration'],
    [`${about}steps: [{ set: { partner: x } }]`, 'steps[1].set.partner speaks of partner "x"'],
    [`${about}steps: [{ set: { rule: x } }]`, 'steps[1].set.rule speaks of rule "x"'],
    [`${about}steps: [{ set: { vm: x, class: public } }]`, 'steps[1].set.vm speaks of VM "x"'],
    [`${about}steps: [{ recall: { agreement: x } }]`, 'recall.agreement speaks of agreement "x"'],
    [
      `${about}steps: [{ recall: { loan: x } }]`,
      'recall.loan speaks of loan "x", which is not there; there are no',
    ],
    [`${about}steps: [{ breaches: { administration: x } }]`, 'breaches.administration speaks of'],
    [`${about}steps: [{ breaches: {}, expect: { v: none } }]`, 'steps[1].expect speaks of VM "v"'],
    [
      placing(
        '{ name: v }',
        '{ refused: QUOTA_EXCEEDED, exceeded: [agreements/x, administrations/y/quotas/everywhere] }',
      ),
      'speaks of agreement "x"',
      'speaks of administration "y"',
    ],
  ],
  'what cannot be': [
    [
      `${about}quotas: [{ limit: { vcpus: 1 } }, { limit: { vms: 1 } }]`,
      'quotas[2] is about the same as one before it; say all its limits in one',
    ],
    [`${about}classes: { public: { level: 3 } }`, 'classes.public there is already a data class "public"'],
    [
      `${about}residency: { r: { class: public } }`,
      'line 2: residency.r name at least one country or jurisdiction that is allowed or forbidden',
    ],
    [
      `${about}loans: { l: { lender: town, borrower: town, amount: {} } }`,
      'loans.l administration "town" cannot lend to itself',
    ],
    [
      `${about}partners: { p: }\nagreements: { g: { partner: p, beneficiary: { partner: p } } }`,
      'line 3: agreements.g partner "p" needs no agreement with itself',
    ],
    [
      `${twoPartners}sites: { z: { partner: carnet } }
agreements: { g: { partner: arnes, beneficiary: { partner: carnet } } }
hosts: [{ id: a }]
vms:
  - { name: v, host: a, agreement: g }`,
      'line 7: vms[1] agreement "g" is about sites of partner "arnes", and host "a" is on one of "carnet"',
    ],
  ],
};

for (const [what, cases] of Object.entries(wrong)) {
  test(`${what} in tenancy is told with its line, its path and what is allowed`, async (t) => {
    for (const [text, ...said] of cases) {
      const told = faults(text);
      t.match(told, /^line \d+: /, text);
      for (const words of said) t.ok(told.includes(words), `${words}\n in: ${told}`);
    }
  });
}

test('every part of an expectation about limits is held against what came', async (t) => {
  const { steps } = simulate(`${oneHost}quotas: [{ limit: { vms: 1 } }]
residency: { law: { class: public, forbidden: { countries: [SI] } } }
steps:
  - place: { names: [v, w] }
    expect: { refused: NO_HOST, exceeded: [administrations/town/quotas/site-zagreb] }
  - place: { name: v, class: public }
    expect: a
  - set: { rule: law, forbidden: { countries: [HR] } }
    expect: { refused: RULE_EXPIRED }
  - breaches: {}
    expect: { v: a }
  - breaches: {}
    expect: { v: { to: none, because: NO_AGREEMENT } }
`);
  t.same(
    steps.flatMap(({ differences }) => differences),
    [
      'expected reason NO_HOST, found QUOTA_EXCEEDED',
      'expected exceeded [ administrations/town/quotas/site-zagreb ], found [ administrations/town/quotas/everywhere ]',
      'expected reason RULE_EXPIRED, found nothing',
      'expected moves { v: a }, found { v: none }',
      'expected because { v: NO_AGREEMENT }, found { v: NOT_LAWFUL }',
    ],
  );
});
