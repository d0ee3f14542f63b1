import t from 'tap';
import type { Agreement } from '../../../proto/gen/secovia/v1/Agreement.js';
import { ago } from '../fixtures.js';
import { cli, nowMs } from '../run-cli.js';
import { ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });

const help: Agreement = {
  name: 'agreements/help',
  title: 'Помоћ',
  partner: 'partners/arnes',
  beneficiaryAdministration: 'administrations/osijek',
  limit: { vcpus: 64, extras: { 'gpu:a30': 2 } },
  limitPercent: 20,
  reserve: { memoryMib: 65_536 },
  price: { currency: 'EUR', vcpuMicros: 12_000, memoryGibMicros: 1600, diskGibMicros: 0, stoppedPercent: 50 },
  validFrom: ago(3600),
  validUntil: { seconds: nowMs / 1000 + 86_400 * 100 },
  noticeDays: 90,
  state: 'AGREEMENT_STATE_IN_FORCE',
  used: { vcpus: 3, vms: 2 },
  etag: '"5"',
};

t.test('create sends what was agreed, with prices exact to a millionth', async (t) => {
  server.on('AgreementService', 'CreateAgreement', ({ agreementId, agreement }) => ({
    agreement: { ...agreement, name: `agreements/${agreementId}` },
  }));
  const words = ['agreement', 'create', 'help', '--partner', 'arnes'];
  t.match(
    await secovia(
      ...words,
      ...'--for-administration osijek --vcpus 64 --memory 256GiB --limit-percent 20% --reserve-vms 5'.split(
        ' ',
      ),
      ...'--reserve-extra gpu:a30=1 --from 2027-01-01 --until 2028-01-01 --notice 90d --currency eur'.split(
        ' ',
      ),
      ...'--price-vcpu-hour 0.012 --price-memory-gib-hour 0.0016 --price-disk-gib-hour 0.000001'.split(' '),
      ...['--stopped-percent', '50%', '--title', 'Помоћ'],
    ),
    { code: 0, out: 'created agreement help\n' },
  );
  const [sent] = server.sent('AgreementService', 'CreateAgreement');
  t.match(sent, {
    agreementId: 'help',
    agreement: {
      title: 'Помоћ',
      partner: 'partners/arnes',
      beneficiaryAdministration: 'administrations/osijek',
      limit: { vcpus: 64, memoryMib: 262_144 },
      limitPercent: 20,
      reserve: { vms: 5, extras: { 'gpu:a30': 1 } },
      price: {
        currency: 'EUR',
        vcpuMicros: 12_000,
        memoryGibMicros: 1600,
        diskGibMicros: 1,
        stoppedPercent: 50,
      },
      validFrom: { seconds: Date.UTC(2027, 0, 1) / 1000 },
      validUntil: { seconds: Date.UTC(2028, 0, 1) / 1000 },
      noticeDays: 90,
    },
  });
  t.equal(sent?.agreement.limit?.vms, undefined);
  await secovia(...words, '--for-partner', 'acme');
  t.match(server.sent('AgreementService', 'CreateAgreement').at(-1), {
    agreement: { beneficiaryPartner: 'partners/acme', validFrom: null, validUntil: null, noticeDays: 0 },
  });
  t.match(await secovia(...words), { code: 2, err: /for whom\? Say --for-partner or --for-administration/ });
  t.match(await secovia(...words, '--for-partner', 'a', '--for-administration', 'b'), {
    code: 2,
    err: /cannot be used with/,
  });
  t.match(await secovia(...words, '--for-partner', 'a', '--price-vcpu-hour', '0,012'), {
    code: 2,
    err: /--price-vcpu-hour.*decimal number with a point/,
  });
});

t.test('list and show', async (t) => {
  const between = {
    name: 'agreements/between',
    partner: 'partners/acme',
    beneficiaryPartner: 'partners/arnes',
    state: 'AGREEMENT_STATE_NOTICE' as const,
    used: {},
    noticeUntil: { seconds: nowMs / 1000 + 86_400 * 5 },
  };
  server.on('AgreementService', 'ListAgreements', () => ({ agreements: [between, help] }));
  const { out } = await secovia('agreement', 'list', '--partner', 'acme');
  t.match(out, /^between +acme +partner arnes +NOTICE +0 +0\/- +2026-11-28T07:00:00Z \(in 5d\)$/m);
  t.match(
    out,
    /^help +arnes +administration osijek +IN_FORCE +2 +3\/64 +2027-03-03T07:00:00Z \(in 100d\) +Помоћ$/m,
  );
  t.match(server.sent('AgreementService', 'ListAgreements'), [{ partner: 'partners/acme' }]);
  server.on('AgreementService', 'GetAgreement', () => ({ agreement: help }));
  const sheet = (await secovia('agreement', 'show', 'help')).out;
  t.match(sheet, /^At most +64 vCPUs, 2 gpu:a30$/m);
  t.match(sheet, /^At most, as a share +20% of what its hosts offer$/m);
  t.match(sheet, /^Used +3 vCPUs, 2 VMs$/m);
  t.match(sheet, /^Reserve +64 GiB memory$/m);
  t.match(
    sheet,
    /^Price an hour +0.012 EUR a vCPU\n +0.0016 EUR a GiB of memory\n +50% of it for vCPUs and memory while stopped$/m,
  );
  t.match(sheet, /^Notice +90 days$/m);
  server.on('AgreementService', 'GetAgreement', () => ({ agreement: between }));
  const bare = (await secovia('agreement', 'show', 'between')).out;
  t.match(bare, /^At most +no limit$/m);
  t.match(bare, /^Price an hour +nothing$/m);
  t.match(bare, /^VMs may stay until +2026-11-28T07:00:00Z/m);
  t.match(bare, /^Used +nothing$/m);
  server.on('AgreementService', 'GetAgreement', () => ({ agreement: { ...between, used: null } }));
  t.notMatch((await secovia('agreement', 'show', 'between')).out, /^Used/m, 'what others use is not shown');
});

t.test('update changes one amount and leaves the rest, under the etag that was read', async (t) => {
  server.on('AgreementService', 'GetAgreement', () => ({ agreement: help }));
  server.on('AgreementService', 'UpdateAgreement', ({ agreement }) => ({
    agreement: { name: agreement.name ?? '' },
  }));
  t.match(
    await secovia(
      ...'agreement update help --vms 9 --no-reserve-memory --price-disk-gib-hour 0.5'.split(' '),
    ),
    { out: 'updated agreement help\n' },
  );
  const [first] = server.sent('AgreementService', 'UpdateAgreement');
  t.match(first, {
    updateMask: { paths: ['limit', 'reserve', 'price'] },
    agreement: {
      name: 'agreements/help',
      limit: { vcpus: 64, vms: 9, extras: { 'gpu:a30': 2 } },
      price: { currency: 'EUR', vcpuMicros: 12_000, diskGibMicros: 500_000, stoppedPercent: 50 },
      etag: '"5"',
    },
  });
  t.equal(first?.agreement.reserve?.memoryMib, undefined);
  const reads = server.sent('AgreementService', 'GetAgreement').length;
  await secovia(...'agreement update help --no-limit-percent --no-until --notice 30d --etag "7"'.split(' '));
  t.equal(server.sent('AgreementService', 'GetAgreement').length, reads);
  t.match(server.sent('AgreementService', 'UpdateAgreement').at(-1), {
    updateMask: { paths: ['limit_percent', 'valid_until', 'notice_days'] },
    agreement: { limitPercent: 0, validUntil: null, noticeDays: 30, etag: '"7"' },
  });
  t.match(await secovia('agreement', 'update', 'help'), { code: 2, err: /nothing to change/ });
});

t.test('recall and delete', async (t) => {
  server.on('AgreementService', 'RecallAgreement', ({ name }) => ({ agreement: { name } }));
  server.on('AgreementService', 'DeleteAgreement', () => ({}));
  t.match(await secovia('agreement', 'recall', 'help', '--etag', '"5"'), {
    out: 'recalled agreement help\n',
  });
  t.match(await secovia('agreement', 'delete', 'help'), { out: 'deleted agreement help\n' });
  t.match(server.sent('AgreementService', 'RecallAgreement'), [{ name: 'agreements/help', etag: '"5"' }]);
});
