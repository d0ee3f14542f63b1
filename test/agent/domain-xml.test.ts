import fc from 'fast-check';
import { XMLValidator } from 'fast-xml-parser';
import t from 'tap';
import { readDesired, specHash } from '../../agent/converge/desired.js';
import type { Blueprint } from '../../agent/hypervisor/hypervisor.js';
import type { DomainLayout } from '../../agent/hypervisor/layout.js';
import type { GuestSupport } from '../../agent/hypervisor/libvirt/capabilities.js';
import { guestSupport, readCapabilities } from '../../agent/hypervisor/libvirt/capabilities.js';
import { domainXml } from '../../agent/hypervisor/libvirt/domain-xml.js';
import { devicesIn } from '../../agent/hypervisor/libvirt/held-devices.js';
import { metadataContent, metadataElement, readMetadata } from '../../agent/hypervisor/libvirt/metadata.js';
import { element, render, XmlTextRefused, XmlView } from '../../agent/hypervisor/libvirt/xml.js';
import type { Desired__Output } from '../../proto/gen/secovia/v1/Desired.js';
import type { Desired } from '../../proto/gen/secovia/v1/Desired.js';
import { ErrorCode, LibvirtError, nativeStatus, openConnection } from '../../native/index.js';
import { messageCodec } from '../../proto/index.js';
import { word } from './scheduler-double.js';
import { uidOf, wanted } from './world.js';

const blueprint: Blueprint = {
  uid: uidOf(1),
  poolPath: '',
  name: 'web-00000000',
  title: 'administrations/a/vms/web',
  vcpus: 2,
  memoryMib: 512,
  metadata: { uid: uidOf(1), term: 3, generation: 4, specHash: 'abcd', rebootCount: 5 },
};
const tcg: GuestSupport = {
  domainType: 'qemu',
  architecture: 'x86_64',
  emulator: '/usr/bin/qemu-system-x86_64',
  machine: 'q35',
};
const kvm: GuestSupport = { ...tcg, domainType: 'kvm' };
const test: GuestSupport = { domainType: 'test', architecture: 'i686', emulator: '', machine: undefined };
const nowhere: DomainLayout = { hugepageKib: 0, cells: [], pins: [], dedicated: false, emulator: [] };
const places = {
  diskPath: '/data/volumes/1.qcow2',
  diskCache: 'none',
  consoleLog: '/data/c.log',
  devices: [],
  layout: nowhere,
} as const;

const native = nativeStatus();
const skip = native.available ? false : native.reason;

/** One element a line, so that a difference is one line too. */
const lines = (xml: string): string => xml.replace(/></g, '>\n<');

t.test('a domain in software emulation', async (t) => {
  t.equal(
    lines(domainXml(blueprint, tcg, places)),
    `<domain type="qemu">
<name>web-00000000</name>
<uuid>${uidOf(1)}</uuid>
<title>administrations/a/vms/web</title>
<metadata>
<secovia:vm xmlns:secovia="https://secovia.eu/xmlns/vm/1" uid="${uidOf(1)}" term="3" generation="4" specHash="abcd" rebootCount="5"/>
</metadata>
<memory unit="MiB">512</memory>
<currentMemory unit="MiB">512</currentMemory>
<vcpu placement="static">2</vcpu>
<os>
<type arch="x86_64" machine="q35">hvm</type>
<boot dev="hd"/>
</os>
<features>
<acpi/>
<apic/>
<tcg>
<tb-cache unit="MiB">64</tb-cache>
</tcg>
</features>
<cpu mode="custom" match="exact">
<model fallback="allow">qemu64</model>
</cpu>
<clock offset="utc"/>
<on_poweroff>destroy</on_poweroff>
<on_reboot>restart</on_reboot>
<on_crash>destroy</on_crash>
<pm>
<suspend-to-mem enabled="no"/>
<suspend-to-disk enabled="no"/>
</pm>
<devices>
<emulator>/usr/bin/qemu-system-x86_64</emulator>
<disk type="file" device="disk">
<driver name="qemu" type="qcow2" cache="none" discard="unmap"/>
<source file="/data/volumes/1.qcow2"/>
<target dev="vda" bus="virtio"/>
</disk>
<controller type="usb" model="none"/>
<controller type="virtio-serial" index="0"/>
<serial type="pty">
<log file="/data/c.log" append="on"/>
<target port="0"/>
</serial>
<channel type="unix">
<target type="virtio" name="org.qemu.guest_agent.0"/>
</channel>
<memballoon model="virtio"/>
<rng model="virtio">
<backend model="random">/dev/urandom</backend>
</rng>
</devices>
</domain>`,
  );
});

t.test('with KVM the guest gets the host model of CPU, and no translation cache', async (t) => {
  const xml = domainXml(blueprint, kvm, places);
  t.match(xml, '<domain type="kvm">');
  t.match(xml, '<cpu mode="host-model" check="partial"/>');
  t.notMatch(xml, 'tcg');
});

const onCells = {
  ...places,
  layout: {
    hugepageKib: 2048,
    cells: [
      { id: 0, vcpus: [0] },
      { id: 1, vcpus: [1] },
    ],
    pins: [[1], [3]],
    dedicated: true,
    emulator: [0, 2],
  },
};
const withDevices = { ...places, devices: ['0000:3b:00.0', '0001:af:1f.7'] };

t.test("the host's devices are passed through, and taken from their drivers by libvirt", async (t) => {
  const xml = lines(domainXml(blueprint, kvm, withDevices));
  t.match(
    xml,
    `<hostdev mode="subsystem" type="pci" managed="yes">
<source>
<address domain="0x0000" bus="0x3b" slot="0x00" function="0x0"/>
</source>
</hostdev>
<hostdev mode="subsystem" type="pci" managed="yes">
<source>
<address domain="0x0001" bus="0xaf" slot="0x1f" function="0x7"/>
</source>
</hostdev>`,
  );
  t.same(devicesIn(domainXml(blueprint, kvm, withDevices)), withDevices.devices, 'and are read again');
});

t.test("libvirt's own schema accepts them", { skip }, async (t) => {
  const connection = await openConnection('test:///default');
  t.teardown(() => connection.close());
  const define = async (xml: string): Promise<number> => {
    try {
      await connection.domainDefine(xml);
      return 0;
    } catch (error) {
      return error instanceof LibvirtError ? error.code : -99;
    }
  };
  const nasty = { ...blueprint, title: `<&>"'` };
  for (const guest of [tcg, kvm, test]) {
    for (const where of [places, withDevices, onCells])
      t.equal(await define(domainXml(nasty, guest, where)), 0);
  }
  const misspelt = domainXml(nasty, tcg, places).replaceAll('memballoon', 'membaloon');
  t.equal(await define(misspelt), ErrorCode.XML_INVALID_SCHEMA, 'and it does look');
});

t.test('whatever the texts are: the document is well-formed and says the same, or is refused', async (t) => {
  const nasty = fc.constantFrom(
    '<',
    '>',
    '&',
    '"',
    "'",
    ']]>',
    '<!--',
    '<?',
    '\n',
    '\0',
    '\u2028',
    '\ud800',
    '%x;',
  );
  const text = fc
    .array(fc.oneof(nasty, fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' })), { maxLength: 12 })
    .map((parts) => parts.join(''));
  let accepted = 0;
  let refused = 0;
  fc.assert(
    fc.property(text, text, (title, path) => {
      const change = { ...blueprint, title };
      let xml: string;
      try {
        xml = domainXml(change, tcg, { ...places, diskPath: path });
      } catch (error) {
        if (!(error instanceof XmlTextRefused)) throw error;
        if (!/[\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}\ufffe\uffff]/u.test(title + path))
          throw new Error('refused too much');
        refused++;
        return;
      }
      accepted++;
      if (XMLValidator.validate(xml) !== true) throw new Error(`not well-formed: ${xml}`);
      const domain = XmlView.parse(xml).first('domain');
      const disk = domain?.first('devices', 'disk', 'source');
      if ((domain?.first('title')?.text ?? '') !== title) throw new Error('another title');
      if (disk?.attribute('file') !== path) throw new Error(`another path: ${disk?.attribute('file')}`);
      if (domain?.all('devices', 'disk').length !== 1) throw new Error('something slipped in');
      const names = ['name', 'uuid', 'metadata', 'os', 'devices'];
      if (names.some((name) => domain?.all(name).length !== 1)) throw new Error('something slipped in');
    }),
    { numRuns: 3_000 },
  );
  t.ok(accepted > 500 && refused > 500, `${accepted} accepted, ${refused} refused`);
});

t.test('texts of absurd length are refused at once', async (t) => {
  t.throws(() => domainXml({ ...blueprint, title: 'x'.repeat(10_000_000) }, tcg, places), XmlTextRefused);
  const huge = readDesired(
    codec.deserialize(codec.serialize({ ...word(uidOf(1), { vmName: 'x'.repeat(10_000_000) }), epoch })),
    [],
  );
  t.match(huge, { ok: false, uid: uidOf(1), problem: /longer than 512/ });
});

t.test('metadata goes in and comes out, and what is not ours is nobody', async (t) => {
  const { metadata } = blueprint;
  t.same(readMetadata(render(metadataElement(metadata))), metadata);
  t.same(readMetadata(metadataContent(metadata)), metadata);
  for (const strange of [
    '',
    'nonsense',
    '<vm/>',
    '<vm uid="x" term="one" generation="1" rebootCount="0"/>',
    '<vm uid="x" term="1.5" generation="1" rebootCount="0"/>',
    '<other uid="x" term="1" generation="1" rebootCount="0"/>',
    '<vm',
  ]) {
    t.equal(readMetadata(strange), null, strange);
  }
});

t.test('parsed XML keeps lists, attributes and texts as they are', async (t) => {
  const view = XmlView.parse('<a n="007"><b>01</b><c/><b x="true">1e3</b></a>');
  t.equal(view.first('a')?.attribute('n'), '007');
  t.same(
    view.all('a', 'b').map((b) => b.text),
    ['01', '1e3'],
  );
  t.equal(view.first('a', 'b')?.attribute('x'), undefined);
  t.equal(view.all('a', 'b')[1]?.attribute('x'), 'true');
  t.same(view.all('a', 'nothing', 'here'), []);
  t.equal(view.first('a')?.attribute('constructor'), undefined);
  t.equal(render(element('e', { a: undefined, b: 1 }, null, 'x')), '<e b="1">x</e>');
});

const capabilitiesXml = `<capabilities><host><cpu><arch>x86_64</arch><model>EPYC</model>
  <feature name='svm'/><feature name='aes'/></cpu><topology><cells num='2'>
  <cell id='0'><memory unit='KiB'>2097152</memory><pages unit='KiB' size='4'>500</pages>
  <pages unit='KiB' size='2048'>16</pages><cpus num='2'><cpu id='0' siblings='0-1'/><cpu id='1' siblings='0-1'/></cpus></cell>
  <cell id='1'><memory unit='KiB'>1048576</memory><cpus num='1'><cpu id='2'/></cpus></cell>
  </cells></topology></host>
  <guest><os_type>hvm</os_type><arch name='i686'><emulator>/i386</emulator><domain type='qemu'/></arch></guest>
  <guest><os_type>hvm</os_type><arch name='x86_64'><emulator>/q</emulator><machine>pc</machine>
  <machine canonical='pc-q35-7.2'>q35</machine><domain type='qemu'/>@KVM@</arch></guest></capabilities>`;

t.test('capabilities: the machine, and how guests are made on it', async (t) => {
  const plain = readCapabilities(capabilitiesXml.replace('@KVM@', ''));
  t.match(plain, {
    architecture: 'x86_64',
    cpuModel: 'EPYC',
    cpuFeatures: ['svm', 'aes'],
    numaCells: [
      { id: 0, cpus: 2, cores: [[0, 1]], memoryMib: 2048, hugepages: [{ sizeKib: 2048, count: 16 }] },
      { id: 1, cpus: 1, cores: [[2]], memoryMib: 1024, hugepages: [] },
    ],
    emulator: '/q',
  });
  t.same(guestSupport(plain, false), {
    domainType: 'qemu',
    architecture: 'x86_64',
    emulator: '/q',
    machine: 'q35',
  });
  t.match(guestSupport(plain, true), /no kvm guests/);
  const accelerated = readCapabilities(capabilitiesXml.replace('@KVM@', "<domain type='kvm'/>"));
  t.match(guestSupport(accelerated, true), { domainType: 'kvm' });
  t.match(
    readCapabilities('<capabilities/>'),
    { architecture: '', domainTypes: [] },
    'and nothing of it is needed',
  );
});

const codec = messageCodec<Desired, Desired__Output>('secovia.v1.Desired');
const epoch = { incarnation: 1, counter: 1, instance: 'x' };
const read = (change: Partial<Desired>) =>
  readDesired(codec.deserialize(codec.serialize({ ...word(uidOf(1)), epoch, ...change })), ['/pool']);

const spec = { vcpus: 1, memoryMib: 128, diskMib: 64, image: 'images/tiny', storagePool: '' };
const kinds = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`kind-${index}`, 1]));

t.test('a word of the scheduler is read, or refused with a reason', async (t) => {
  t.match(read({}), { ok: true, desired: { uid: uidOf(1), role: 'run', stopGraceMs: 10_000 } });
  t.match(read({ stopGraceSeconds: 0 }), { desired: { stopGraceMs: 60_000 } });
  t.match(read({ spec: { ...spec, extras: { b: 2, a: 1 } } }), {
    ok: true,
    desired: { hardware: { extras: { a: 1, b: 2 }, hugepageKib: 0, cells: [], dedicatedCpus: false } },
  });
  const bound = { ...spec, vcpus: 4, hugepageSizeKib: 2048, numa: { cells: 2, dedicatedCpus: true } };
  t.match(read({ spec: bound, numaCells: [0, 3] }), {
    ok: true,
    desired: { hardware: { extras: {}, hugepageKib: 2048, cells: [0, 3], dedicatedCpus: true } },
  });
  t.match(read({ role: 'VM_ROLE_DELETED', spec: null, image: null }), { ok: true, desired: { size: null } });
  t.match(read({}), { desired: { restartsElsewhere: false, diskExists: false } });
  t.match(read({ policy: { onHostLoss: 'HOST_LOSS_POLICY_WAIT' } }), {
    desired: { restartsElsewhere: false },
  });
  t.match(read({ policy: { onHostLoss: 'HOST_LOSS_POLICY_RESTART' } }), {
    desired: { restartsElsewhere: true },
  });
  t.match(read({ diskExists: true, image: null }), { ok: true, desired: { diskExists: true, image: null } });
  const image = word(uidOf(1)).image ?? {};
  const cases: [string, Partial<Desired>, RegExp][] = [
    ['no uid', { uid: '' }, /uid/],
    ['a uid that is a path', { uid: '../../etc/passwd' }, /uid/],
    ['an upper-case uid', { uid: 'AAAAAAAA-0000-4000-8000-000000000001' }, /uid/],
    ['the nil uid', { uid: '00000000-0000-0000-0000-000000000000' }, /uid/],
    ['no role', { role: 'VM_ROLE_UNSPECIFIED' }, /role/],
    ['an unknown role', { role: 99 as never }, /role/],
    ['term 0', { term: 0 }, /term/],
    ['a negative generation', { generation: -1 }, /generation/],
    ['no epoch', { epoch: null }, /epoch/],
    ['no spec', { spec: null }, /spec/],
    ['no image', { image: null }, /image/],
    ['no vcpus', { spec: { ...spec, vcpus: 0 } }, /vcpus is 0/],
    ['513 vcpus', { spec: { ...spec, vcpus: 513 } }, /vcpus is 513/],
    ['too little memory', { spec: { ...spec, memoryMib: 63 } }, /memoryMib/],
    ['negative memory', { spec: { ...spec, memoryMib: -1 } }, /memoryMib/],
    ['no disk', { spec: { ...spec, diskMib: 0 } }, /diskMib/],
    ['a disk beyond all disks', { spec: { ...spec, diskMib: 2 ** 31 - 1 } }, /diskMib/],
    ['an extra with an odd name', { spec: { ...spec, extras: { 'a b': 1 } } }, /name that no extra can have/],
    ['no extras of a kind', { spec: { ...spec, extras: { gpu: 0 } } }, /asks for 0 of gpu/],
    ['65 extras of a kind', { spec: { ...spec, extras: { gpu: 65 } } }, /asks for 65 of gpu/],
    ['17 kinds of extras', { spec: { ...spec, extras: kinds(17) } }, /names 17 extras/],
    ['pages of no size', { spec: { ...spec, hugepageSizeKib: 4 } }, /hugepage_size_kib is 4/],
    ['half a page', { spec: { ...spec, memoryMib: 129, hugepageSizeKib: 2048 } }, /not a multiple of 2/],
    ['nine cells', { spec: { ...spec, numa: { cells: 9 } } }, /numa.cells is 9/],
    ['cells without names', { spec: { ...spec, numa: { cells: 1 } } }, /names 0 cells, and spec.numa 1/],
    ['cells of a VM that floats', { numaCells: [0] }, /names 1 cells, and spec.numa 0/],
    ['the same cell twice', { spec: { ...bound }, numaCells: [1, 1] }, /ascending/],
    ['a negative cell', { spec: { ...spec, numa: { cells: 1 } }, numaCells: [-1] }, /ascending ids/],
    ['CPUs of no cell', { spec: { ...spec, numa: { dedicatedCpus: true } } }, /dedicated_cpus needs cells/],
    ['three halves', { spec: { ...bound, vcpus: 3 }, numaCells: [0, 1] }, /vcpus is 3, which 2 cells/],
    ['a disk smaller than its image', { image: { ...image, virtualSizeMib: 65 } }, /less than the image/],
    ['an md5 digest', { image: { ...image, digest: 'md5:abc' } }, /digest/],
    ['no format', { image: { ...image, format: 'IMAGE_FORMAT_UNSPECIFIED' } }, /format/],
    ['a source that is no URL', { image: { ...image, source: '/etc/passwd' } }, /URL/],
    ['an ftp source', { image: { ...image, source: 'ftp://x/y' } }, /http/],
    ['a negative size', { image: { ...image, sizeBytes: -1 } }, /size_bytes/],
    ['a relative pool', { storagePoolPath: 'pool' }, /storage_pool_path/],
    ['a pool that climbs', { storagePoolPath: '/pool/../etc' }, /storage_pool_path/],
    ['the root as pool', { storagePoolPath: '/' }, /storage_pool_path/],
    ['a pool with a newline', { storagePoolPath: '/po\nol' }, /control/],
    ['a name with a newline', { vmName: 'a\nb' }, /control/],
    ['a name with an escape', { vmName: 'a\u001b[2Jb' }, /control/],
    ['a grace of a year', { stopGraceSeconds: 31_536_000 }, /stop_grace/],
    ['a negative reboot count', { rebootCount: -1 }, /reboot_count/],
  ];
  for (const [what, change, problem] of cases) t.match(read(change), { ok: false, problem }, what);
});

t.test('the hash of a spec changes with what a domain is made from, and with nothing else', async (t) => {
  const hash = specHash(wanted());
  t.equal(specHash(wanted({ generation: 9, role: 'stopped', vmName: 'other', rebootCount: 3 })), hash);
  for (const size of [
    { vcpus: 2, memoryMib: 128, diskMib: 1024 },
    { vcpus: 1, memoryMib: 256, diskMib: 1024 },
    { vcpus: 1, memoryMib: 128, diskMib: 2048 },
  ]) {
    t.not(specHash(wanted({ size })), hash);
  }
  t.not(specHash(wanted({ storagePoolPath: '/pool' })), hash);
  const plain = { extras: {}, hugepageKib: 0, cells: [], dedicatedCpus: false };
  const hashes = [
    { ...plain, extras: { 'gpu:a30': 1 } },
    { ...plain, hugepageKib: 2048 },
    { ...plain, cells: [0] },
    { ...plain, cells: [1] },
    { ...plain, cells: [0], dedicatedCpus: true },
  ].map((hardware) => specHash(wanted({ hardware })));
  t.equal(new Set([hash, ...hashes]).size, 6);
  t.equal(specHash(wanted({ hardware: undefined })), hash);
  // Domains of earlier versions carry it: another hash would have them all defined anew.
  t.equal(hash, 'fe8a8bb8e05ce85e');
});
