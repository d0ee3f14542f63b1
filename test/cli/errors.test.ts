import { status } from '@grpc/grpc-js';
import t from 'tap';
import { type ErrorDetails, serviceError } from '../../proto/errors.js';
import { cli } from './run-cli.js';
import { Refused, ScriptedServer, Status } from './scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());

const show = ['vm', 'show', 'city/web'];
const start = ['vm', 'start', 'city/web'];
const uuid = '[0-9a-f-]{36}';

interface Case {
  code: status;
  message: string;
  details?: ErrorDetails;
  args?: string[];
  exit: number;
  says: string | RegExp;
}

const cases: Case[] = [
  {
    code: status.NOT_FOUND,
    message: 'there is no VM "web"',
    details: { errorInfo: { reason: 'VM_NOT_FOUND', metadata: {} }, resource: { type: 'VM', name: 'web' } },
    exit: 3,
    says: 'there is no VM "web" (NOT_FOUND, VM_NOT_FOUND). See what there is: secovia vm list --all',
  },
  { code: status.NOT_FOUND, message: 'gone', exit: 3, says: 'gone (NOT_FOUND). Check the name.' },
  {
    code: status.INVALID_ARGUMENT,
    message: 'spec.vcpus: 600 is too many; name: is empty',
    details: {
      fieldViolations: [
        { field: 'spec.vcpus', description: '600 is too many' },
        { field: 'name', description: 'is empty' },
      ],
    },
    exit: 2,
    says: '2 values cannot be right (INVALID_ARGUMENT).\n  spec.vcpus: 600 is too many\n  name: is empty',
  },
  {
    code: status.INVALID_ARGUMENT,
    message: 'a disk of 1 MiB cannot hold image "tiny"',
    details: { fieldViolations: [{ field: 'vm.spec.disk_mib', description: 'at least 100' }] },
    exit: 2,
    says: 'a disk of 1 MiB cannot hold image "tiny" (INVALID_ARGUMENT).\n  vm.spec.disk_mib: at least 100',
  },
  {
    code: status.INVALID_ARGUMENT,
    message: 'filter: names "x"',
    details: { fieldViolations: [{ field: 'filter', description: 'names "x"' }] },
    exit: 2,
    says: 'filter: names "x" (INVALID_ARGUMENT).',
  },
  { code: status.OUT_OF_RANGE, message: 'beyond the end', exit: 2, says: 'beyond the end (OUT_OF_RANGE).' },
  // A change that is said again may differ in its etag or its times.
  {
    code: status.FAILED_PRECONDITION,
    message: 'request_id 1 was used before for a call with other content; use a fresh one',
    details: { errorInfo: { reason: 'REQUEST_ID_REUSED', metadata: {} } },
    exit: 4,
    says: /REQUEST_ID_REUSED\)\. A call with this id has been carried out, or is under way: look at what/,
  },
  {
    code: status.FAILED_PRECONDITION,
    message: 'operations/op-9 is under way; wait for it',
    details: { errorInfo: { reason: 'OPERATION_UNDER_WAY', metadata: { operation: 'operations/op-9' } } },
    exit: 4,
    says: /\(FAILED_PRECONDITION, OPERATION_UNDER_WAY\)\. Wait for it with: secovia operation wait op-9$/,
  },
  {
    code: status.FAILED_PRECONDITION,
    message: 'it is protected.',
    details: { preconditions: [{ type: 'X', subject: 'vms/1', description: 'protection is on' }] },
    exit: 4,
    says: 'it is protected (FAILED_PRECONDITION).\n  vms/1: protection is on',
  },
  {
    code: status.FAILED_PRECONDITION,
    message: 'the VMs of group "web" are placed by soft anti-affinity over racks; say the same',
    details: {
      errorInfo: {
        reason: 'GROUP_DIFFERS',
        metadata: { policy: 'anti_affinity', scope: 'rack', soft: 'true', maxSkew: '0' },
      },
    },
    exit: 4,
    says: /\(FAILED_PRECONDITION, GROUP_DIFFERS\)\. What they say is --group NAME:apart:rack:soft$/,
  },
  {
    code: status.FAILED_PRECONDITION,
    message: 'the group differs',
    details: { errorInfo: { reason: 'GROUP_DIFFERS', metadata: {} } },
    exit: 4,
    says: 'the group differs (FAILED_PRECONDITION, GROUP_DIFFERS).',
  },
  { code: status.RESOURCE_EXHAUSTED, message: 'full', exit: 4, says: /Try again later\.$/ },
  { code: status.ALREADY_EXISTS, message: 'it is there', exit: 4, says: /Choose another name\.$/ },
  {
    code: status.ABORTED,
    message: 'it has changed; read it again and retry',
    exit: 4,
    says: 'it has changed; read it again and retry (ABORTED).',
  },
  { code: status.ABORTED, message: 'changed', exit: 4, says: /Look at it again and repeat the command\.$/ },
  { code: status.PERMISSION_DENIED, message: 'not yours', exit: 4, says: /Ask whoever runs the federation/ },
  { code: status.UNAUTHENTICATED, message: 'who are you', exit: 4, says: /Ask whoever runs the federation/ },
  {
    code: status.UNIMPLEMENTED,
    message: 'no such method',
    exit: 1,
    says: /compare versions with secovia version\.$/,
  },
  { code: status.INTERNAL, message: 'broken', exit: 1, says: /fault of the scheduler; its log says more\.$/ },
  {
    code: status.INTERNAL,
    message: 'broken',
    args: start,
    exit: 1,
    says: new RegExp(`its log says more\\. Repeat it safely with --request-id ${uuid}\\.$`),
  },
  { code: status.UNKNOWN, message: '', exit: 1, says: /^the scheduler gave no message \(UNKNOWN\)/ },
  {
    code: status.DEADLINE_EXCEEDED,
    message: 'too slow',
    exit: 5,
    says: /Give it more time with --timeout\.$/,
  },
  {
    code: status.DEADLINE_EXCEEDED,
    message: 'too slow',
    args: start,
    exit: 5,
    says: new RegExp(
      `Whether it was carried out is not known\\. Repeat it safely with --request-id ${uuid}\\.$`,
    ),
  },
];

for (const { code, message, details = {}, args = show, exit, says } of cases) {
  t.test(`${status[code]}, "${message}", ${args[1]}: exit code ${exit}`, async (t) => {
    const refuse = () => {
      throw new Refused(code, message, details);
    };
    server.on('VmService', 'GetVm', refuse).on('VmService', 'StartVm', refuse);
    const result = await cli(args, { server: server.address });
    t.equal(result.code, exit);
    t.equal(result.out, '');
    const text = result.err.replace(/^secovia: /, '').trimEnd();
    if (typeof says === 'string') t.equal(text, says);
    else t.match(text, says);
  });
}

t.test('messages cannot drive the terminal', async (t) => {
  server.on('VmService', 'GetVm', () => {
    throw new Refused(status.INVALID_ARGUMENT, 'a\x1b[2Jb', {
      errorInfo: { reason: 'X\x1b[1m', metadata: {} },
      fieldViolations: [{ field: 'f\n\x9b', description: 'd\x07' }],
    });
  });
  const { err } = await cli(show, { server: server.address });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  t.notMatch(err, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  t.equal(err, 'secovia: a\\x1b[2Jb (INVALID_ARGUMENT, X\\x1b[1m).\n  f\\n\\x9b: d\\x07\n');
});

t.test('details that cannot be read do not hide the failure', async (t) => {
  server.on('VmService', 'GetVm', () => {
    const error = serviceError(status.NOT_FOUND, 'gone', {});
    error.metadata.set('grpc-status-details-bin', Buffer.from([0xff, 0xff, 0xff]));
    throw new Status(error);
  });
  t.match(await cli(show, { server: server.address }), { code: 3, err: /gone \(NOT_FOUND\)/ });
});

t.test('a scheduler that cannot be reached: exit code 5', async (t) => {
  const nobody = await cli([...show, '--timeout', '2s'], { server: '127.0.0.1:1' });
  t.match(nobody, {
    code: 5,
    err: /nothing listens there \(UNAVAILABLE\)\. Check --server or SECOVIA_SERVER/,
  });
});

t.test('a scheduler that does not answer: exit code 5', async (t) => {
  server.on('VmService', 'GetVm', () => new Promise(() => undefined));
  t.match(await cli([...show, '--timeout', '200ms'], { server: server.address }), {
    code: 5,
    err: /did not answer in time \(DEADLINE_EXCEEDED\)\. Give it more time with --timeout\.\n$/,
  });
});

t.test('wrong words: exit code 2, with what was meant', async (t) => {
  const wrong: [string[], RegExp][] = [
    [['vmm'], /unknown command 'vmm'\. Did you mean vm\?/],
    [['vm', 'creat'], /unknown command 'creat'\. Did you mean create\?/],
    [['vm', 'list', '--filtr', 'x'], /unknown option '--filtr'\. Did you mean --filter\?/],
    [['vm', 'list', '-o', 'yaml'], /Allowed choices are table, csv, json, name\./],
    [['vm', 'list', '--timeout', '30'], /Say the unit: 30s or 30m\./],
    [['vm', 'list', '--server', 'http://x'], /without a scheme/],
    [['vm', 'list', '--request-id', '1'], /Write a UUID/],
    [['vm', 'show'], /missing required argument 'vm'/],
    [['completion', 'tcsh'], /the shell is one of bash, zsh, fish\./],
  ];
  for (const [args, says] of wrong) {
    t.match(await cli(args, { server: server.address }), { code: 2, out: '', err: says }, args.join(' '));
  }
  t.match(await cli(['vm', 'list'], { env: { SECOVIA_SERVER: 'a b' } }), {
    code: 2,
    err: /SECOVIA_SERVER is "a b"/,
  });
  t.match(await cli(['vm', 'list'], { env: { SECOVIA_ADMINISTRATION: 'a b' } }), {
    code: 2,
    err: /"a b" cannot name/,
  });
});

t.test('words alone show help and are no success; --help is one', async (t) => {
  t.match(await cli([]), { code: 2, err: /^Usage: secovia COMMAND/ });
  t.match(await cli(['vm']), { code: 2, err: /^Usage: secovia vm COMMAND/ });
  t.match(await cli(['--help']), { code: 0, out: /^Usage: secovia COMMAND/ });
});
