import { execFileSync } from 'node:child_process';
import t from 'tap';
import { groups, singleCommands } from '../../cli/commands/index.js';
import { exitCodes, exitCodeTable } from '../../cli/failure.js';
import { cli, cliPath } from './run-cli.js';

t.test('the help names every exit code', async (t) => {
  t.same(
    exitCodeTable.map(([code]) => code).sort((a, b) => a - b),
    Object.values(exitCodes).sort((a, b) => a - b),
  );
  const { out } = await cli(['--help']);
  for (const [code, meaning] of exitCodeTable) t.ok(out.includes(`  ${String(code).padEnd(5)}${meaning}\n`));
});

t.test('every command has a summary in its group and examples of itself', async (t) => {
  const definitions = [...singleCommands];
  for (const group of groups) definitions.push(...(await group.load()));
  for (const { usage, summary, examples, hidden } of definitions.filter((each) => each.hidden !== true)) {
    const words = usage.split(' ').filter((word) => /^[a-z]/.test(word));
    const { code, out } = await cli([...words, '--help']);
    t.equal(code, 0, usage);
    t.ok(out.startsWith(`Usage: secovia ${words.join(' ')}`), usage);
    t.ok(out.replace(/\s+/g, ' ').includes(`${summary}.`), `${usage}: summary`);
    t.match(out, /--server <address>/, `${usage}: global options`);
    t.ok(examples.length > 0, `${usage}: examples`);
    for (const line of examples.filter((line) => !/^ /.test(line))) {
      t.ok(line.includes(`secovia ${words.join(' ')}`), `${usage}: ${line}`);
      t.ok(out.includes(line), `${usage}: the help shows ${line}`);
    }
    t.equal(hidden ?? false, false);
  }
  t.ok(definitions.length > 40);
});

t.test('neither help nor completion of words loads gRPC', async (t) => {
  const loaded = (...args: string[]) =>
    execFileSync(process.execPath, ['--input-type=module', '-e', probe, '--', ...args], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] ?? '', CLI: cliPath, SECOVIA_INSECURE: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
      .trim()
      .split('\n')
      .pop();
  t.equal(loaded('--help'), 'loaded:');
  t.equal(loaded('vm', 'create', '--help'), 'loaded:');
  t.equal(loaded('__complete', 'bash', '--', 'vm', 'sta'), 'loaded:');
  t.equal(
    loaded('version', '--timeout', '50ms', '--server', '127.0.0.1:1'),
    'loaded: @grpc/grpc-js',
    'the probe can see it',
  );
});

/** Runs the executable in its own process and then says whether gRPC came along. */
const probe = `
import { createRequire } from 'node:module';
process.argv.splice(1, 0, process.env.CLI);
await import(process.env.CLI);
const cache = Object.keys(createRequire(process.env.CLI).cache);
const found = cache.some((path) => path.includes('@grpc/grpc-js')) ? ' @grpc/grpc-js' : '';
process.stdout.write('\\nloaded:' + found + '\\n');
`;
