import { execFile } from 'node:child_process';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ago, host, operation, vm } from './fixtures.js';
import { cli, cliPath } from './run-cli.js';
import { ScriptedServer } from './scripted-server.js';

const webApart = {
  group: 'web',
  policy: 'GROUP_POLICY_ANTI_AFFINITY',
  scope: 'GROUP_SCOPE_RACK',
  soft: true,
} as const;

const server = await ScriptedServer.start();
t.teardown(() => server.down());
server.on('SiteService', 'ListSites', () => ({
  sites: [
    { name: 'sites/sofia-1', title: 'София', country: 'BG', jurisdictions: ['EU', 'EEA'] },
    { name: 'sites/skopje', title: '', country: 'MK', jurisdictions: ['EEA', '; reboot'] },
    { name: 'sites/$(reboot)', title: '' },
    { name: 'sites/a b', title: '' },
  ],
}));
server.on('HostService', 'ListHosts', () => ({
  hosts: [
    host({ traits: ['gpu/a30', 'ssd'], capacity: { extras: { 'gpu:a30': 2, 'sriov-vf': 8 } } }),
    host({ name: 'hosts/sofia-1-b', traits: ['ssd'] }),
  ],
}));
server.on('ImageService', 'ListImages', () => ({
  images: [{ name: 'images/tiny' }, { name: 'images/debian-13' }],
}));
server.on('AdministrationService', 'ListAdministrations', () => ({
  administrations: [{ name: 'administrations/city', title: 'City: the title', createTime: ago(1) }],
}));
server.on('PartnerService', 'ListPartners', () => ({ partners: [{ name: 'partners/acme', title: 'Acme' }] }));
server.on('ResidencyService', 'ListDataClasses', () => ({
  dataClasses: [{ name: 'dataClasses/personal' }, { name: 'dataClasses/public' }],
}));
server.on('ResidencyService', 'ListResidencyRules', () => ({
  residencyRules: [{ name: 'residencyRules/gdpr' }],
}));
server.on('AgreementService', 'ListAgreements', () => ({ agreements: [{ name: 'agreements/help' }] }));
server.on('QuotaService', 'ListLoans', () => ({ loans: [{ name: 'loans/summer', note: 'the season' }] }));
server.on('JoinTokenService', 'ListJoinTokens', () => ({
  joinTokens: [{ name: 'joinTokens/t0b4c', site: 'sites/sofia-1' }],
}));
server.on('StoragePoolService', 'ListStoragePools', () => ({
  storagePools: [{ name: 'storagePools/nfs-1' }],
}));
server.on('OperationService', 'ListOperations', () => ({ operations: [operation()] }));
server.on('VmService', 'ListVms', ({ parent }) => ({
  vms: [
    vm({ placement: { groups: [webApart] } }),
    vm({ name: 'administrations/town/vms/mail', placement: { groups: [webApart] } }),
    vm({ name: 'administrations/city/vms/db' }),
  ].filter(({ name }) => parent === 'administrations/-' || name?.startsWith(parent)),
}));

/** What fish would be offered: no splitting of words, values with descriptions. */
async function offered(...words: string[]): Promise<string[]> {
  const { code, out, err } = await cli(['__complete', 'fish', '--', ...words], { server: server.address });
  if (code !== 0 || err !== '') throw new Error(`${code}: ${err}`);
  return out
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t')[0]!);
}

t.test('words and flags come from the command tree', async (t) => {
  t.same(await offered('v'), ['vm', 'version']);
  t.notOk((await offered('')).includes('__complete'), 'hidden words stay hidden');
  t.same(await offered('vm', 'sta'), ['start']);
  t.same(await offered('vm', 're'), ['reboot', 'resize']);
  t.same(await offered('vm', 'stop', '--'), [
    ...['--force', '--grace', '--administration', '--wait', '--etag'],
    ...[
      '--version',
      '--server',
      '--identity',
      '--insecure',
      '--output',
      '--timeout',
      '--request-id',
      '--no-color',
      '--help',
    ],
  ]);
  t.same(await offered('vm', 'stop', '--force', '--f'), [], 'what is there is not offered again');
  t.same(
    await offered('vm', 'create', 'x', '--label', 'a=b', '--lab'),
    ['--label'],
    'unless it may be repeated',
  );
  t.same(await offered('--output', 'json', 'ho'), ['host'], 'flags may come first');
  t.same(await offered('nonsense', ''), await offered(''), 'an unknown word is passed over');
});

t.test('values of flags: choices, files, nothing', async (t) => {
  t.same(await offered('vm', 'list', '-o', ''), ['table', 'json', 'name']);
  t.same(await offered('usage', '-o', ''), ['table', 'csv', 'json'], 'each command has its own formats');
  t.same(await offered('vm', 'list', '--output=js'), ['--output=json']);
  t.same(await offered('vm', 'create', '--on-guest-shutdown', 'r'), ['restart']);
  t.same(await offered('image', 'add', 'tiny', '--file', ''), [':files']);
  t.same(await offered('vm', 'create', '--memory', ''), []);
  t.same(await offered('completion', ''), ['bash', 'zsh', 'fish']);
});

t.test('names come from the scheduler', async (t) => {
  t.same(await offered('site', 'show', 's'), ['sofia-1', 'skopje']);
  t.same(await offered('host', 'cordon', 'sofia-1-a', ''), ['sofia-1-a', 'sofia-1-b'], 'several hosts');
  t.same(await offered('site', 'show', 'sofia-1', ''), [], 'but one site');
  t.same(await offered('vm', 'create', 'x', '--image', 'd'), ['debian-13']);
  t.same(await offered('vm', 'create', '--site=so'), ['--site=sofia-1']);
  t.same(await offered('pool', 'show', ''), ['nfs-1']);
  t.same(await offered('token', 'delete', ''), ['t0b4c']);
  t.same(await offered('token', 'create', '--site', 'so'), ['sofia-1']);
  t.same(await offered('host', 'revoke', 'sofia-1-a'), ['sofia-1-a']);
  t.same(await offered('host', 'drain', '--wait', ''), ['sofia-1-a', 'sofia-1-b']);
  t.same(await offered('vm', 'migrate', 'city/web', '--to', ''), ['sofia-1-a', 'sofia-1-b']);
  t.same(await offered('operation', 'wait', ''), ['op-1']);
  t.same(await offered('vm', 'list', '-A', ''), ['city']);
  t.same(await offered('vm', 'create', ''), [], 'a new name is nobody else to say');
});

t.test('places come from what sites, hosts and other VMs say', async (t) => {
  t.same(await offered('vm', 'create', 'x', '--jurisdiction', ''), ['EEA', 'EU']);
  t.same(await offered('vm', 'explain', '--require-trait', ''), ['gpu/a30', 'ssd']);
  t.same(await offered('vm', 'create', 'x', '--extra', ''), ['gpu:a30', 'sriov-vf']);
  t.same(await offered('host', 'update', 'sofia-1-a', '--remove-trait', 's'), ['ssd']);
  t.same(await offered('host', 'update', 'sofia-1-a', '--dedicated-to', ''), ['city']);
  t.same(await offered('vm', 'create', 'x', '-A', 'city', '--group', ''), ['web:apart:rack:soft']);
});

t.test('names of tenancy are offered wherever they are wanted', async (t) => {
  t.same(await offered('q'), ['quota']);
  t.same(await offered('residency', ''), [
    'create',
    'list',
    'show',
    'update',
    'delete',
    'explain',
    'breaches',
  ]);
  t.same(await offered('partner', 'show', ''), ['acme']);
  t.same(await offered('site', 'create', 'x', '--partner', 'a'), ['acme']);
  t.same(await offered('vm', 'create', 'x', '--data-class', 'p'), ['personal', 'public']);
  t.same(await offered('class', 'delete', ''), ['personal', 'public']);
  t.same(await offered('residency', 'update', ''), ['gdpr']);
  t.same(await offered('agreement', 'recall', ''), ['help']);
  t.same(await offered('agreement', 'create', 'x', '--for-administration', ''), ['city']);
  t.same(await offered('lend', 'show', 's'), ['summer']);
  t.same(await offered('lend', 'create', 'x', '--from', ''), ['city']);
  t.same(await offered('quota', 'set', 'city', '--country', ''), ['BG', 'MK']);
  t.same(await offered('quota', 'set', 'city', '--extra', 'g'), ['gpu:a30']);
  t.same(await offered('quota', 'show', ''), ['city']);
  t.same(await offered('administration', 'update', 'city', '--stopped-vms', 'f'), ['free']);
});

t.test('a group rule goes on as its words allow', async (t) => {
  const next = (rule: string) => offered('vm', 'create', 'x', '--group', rule);
  t.same(await next('db:'), ['db:together', 'db:apart', 'db:spread']);
  t.same(await next('db:s'), ['db:spread']);
  t.same(await next('db:apart:'), ['db:apart:host', 'db:apart:rack', 'db:apart:site', 'db:apart:soft']);
  t.same(await next('db:spread:'), ['db:spread:rack', 'db:spread:site', 'db:spread:soft']);
  t.same(await next('db:apart:site:'), ['db:apart:site:soft']);
  t.same(await next('db:apart:soft:s'), ['db:apart:soft:site']);
  t.same(await offered('vm', 'create', '--group=db:t'), ['--group=db:together']);
});

t.test('VMs are offered as the line names them', async (t) => {
  t.same(await offered('vm', 'start', ''), ['city/web', 'town/mail', 'city/db']);
  t.same(await offered('vm', 'start', 'city/w'), ['city/web']);
  t.same(await offered('vm', 'start', '-A', 'city', ''), ['web', 'db']);
  t.same(await offered('vm', 'start', '--administration=town', 'm'), ['mail']);
  t.same(await offered('vm', 'start', '-A', 'city', '--wait', 'd'), ['db']);
});

t.test('what a shell would obey is never offered', async (t) => {
  t.same(await offered('site', 'show', ''), ['sofia-1', 'skopje']);
});

t.test('without a scheduler there are no names, and no noise', async (t) => {
  const away = await cli(['__complete', 'bash', '--', 'site', 'show', ''], { server: '127.0.0.1:1' });
  t.match(away, { code: 0, out: '', err: '' });
  const said = await cli(['__complete', 'bash', '--', '--server', server.address, 'site', 'show', 'so'], {
    server: '127.0.0.1:1',
  });
  t.match(said, { code: 0, out: 'sofia-1\n' }, 'a --server on the line counts');
});

t.test('a scheduler that hangs is not waited for', async (t) => {
  server.on('ImageService', 'ListImages', () => new Promise(() => undefined));
  t.same(await offered('image', 'show', ''), []);
});

t.test('descriptions go to the shells that show them', async (t) => {
  const ask = async (shell: string) =>
    (await cli(['__complete', shell, '--', 'vm', 'list', '-A', ''], { server: server.address })).out;
  t.equal(await ask('bash'), 'city\n');
  t.equal(await ask('fish'), 'city\tCity: the title\n');
  t.equal(await ask('zsh'), 'city:City: the title\n');
});

/** A directory with a `secovia` in it, for PATH. */
function installed(dir: string): string {
  const path = join(dir, 'secovia');
  writeFileSync(path, `#!/bin/sh\nexec "${process.execPath}" "${cliPath}" "$@"\n`);
  chmodSync(path, 0o755);
  return dir;
}

function run(file: string, args: string[], dir: string): Promise<string> {
  const env = {
    ...process.env,
    PATH: `${dir}:${process.env['PATH']}`,
    SECOVIA_SERVER: server.address,
    SECOVIA_INSECURE: '1',
  };
  return new Promise((resolve, reject) => {
    execFile(file, args, { env }, (error, out, err) =>
      error === null && err === '' ? resolve(out) : reject(error ?? new Error(err)),
    );
  });
}

t.test('in bash, as the Tab key asks for it', async (t) => {
  const dir = installed(t.testdir());
  // Readline splits words at COMP_WORDBREAKS before it calls the function; so does this.
  const ask = async (line: string) => {
    const script = `
      source <(secovia completion bash)
      compopt() { echo "compopt $*"; }
      breaks='=:'
      spaced=$(sed -E "s/([$breaks])/ \\1 /g" <<< "$1")
      read -ra COMP_WORDS <<< "$spaced"
      [[ "$1" == *[[:space:]=:] ]] && COMP_WORDS+=("")
      COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
      _secovia
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    return (await run('bash', ['-c', script, 'bash', line], dir)).trim().split('\n').filter(Boolean);
  };
  t.same(await ask('secovia vm sta'), ['start']);
  t.same(await ask('secovia vm start city/'), ['city/web', 'city/db']);
  t.same(await ask('secovia vm list --output=j'), ['json'], 'only what follows the equals sign');
  t.same(
    await ask(`secovia --server ${server.address} site show so`),
    ['sofia-1'],
    'colons are put together again',
  );
  t.same(await ask('secovia vm create x --group db:ap'), ['apart'], 'only what follows the colon');
  t.same(await ask('secovia image add x --file '), ['compopt -o default']);
  t.match(
    await run('bash', ['-c', 'source <(secovia completion bash); complete -p secovia'], dir),
    /-F _secovia secovia/,
  );
});

for (const shell of ['zsh', 'fish'] as const) {
  t.test(`the script for ${shell} is printed, and ${shell} accepts it`, async (t) => {
    const dir = installed(t.testdir());
    const script = await run('secovia', ['completion', shell], dir);
    t.match(script, /__complete/);
    const binary = `/usr/bin/${shell}`;
    if (!existsSync(binary)) {
      t.comment(`no ${shell} on this machine`);
      return;
    }
    const path = join(dir, `completion.${shell}`);
    writeFileSync(path, script);
    t.equal(await run(binary, ['-n', path], dir), '', 'no syntax error');
  });
}
