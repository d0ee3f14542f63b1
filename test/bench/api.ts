/**
 * What a durable unary create costs, beside a bare echo of the same bytes. Four loads in turn, several rounds: echo
 * and create, each with a grpc-js client (whose own cost hides much of the server's) and with a cheap generator (which
 * hides nothing).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import type {
  CreateVmResponse,
  CreateVmResponse__Output,
} from '../../proto/gen/secovia/v1/CreateVmResponse.js';
import { messageCodec, v1 } from '../../proto/index.js';
import { CreateRequests } from './create-requests.js';
import type { LoadOrder } from './load.js';
import { freePort, run, schedulerFlags, start, stop } from './processes.js';
import type { LoadResult } from './raw-http2.js';
import { median, type Report } from './report.js';

const rounds = 5;
const warmUpSeconds = 3;
const seconds = 4;
const inFlight = 64;
const createPath = '/secovia.v1.VmService/CreateVm';
const parent = 'administrations/bench';
const image = 'images/bench';

export async function api(report: Report, say: (line: string) => void): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'secovia-bench-'));
  const port = await freePort();
  const config = join(directory, 'scheduler.yaml');
  writeFileSync(
    config,
    `listen: 127.0.0.1:${port}\ninsecure: true\ndataDir: ${join(directory, 'data')}\nlogLevel: info\n`,
  );
  const scheduler = await start(
    'scheduler/main.js',
    ['run', '--config', config],
    'stderr',
    (line) => line.includes('"serving"'),
    schedulerFlags,
  );
  const host = await start('test/bench/sink-host.js', [String(port)], 'stdout', (line) => line === 'ready');
  const sample = await firstCreate(port);
  const echo = await start(
    'test/bench/echo-server.js',
    [sample.toString('base64')],
    'stdout',
    (line) => /^\d+$/.test(line),
    schedulerFlags,
  );
  const echoPort = Number(echo.line);
  report.figure('request bytes', new CreateRequests(parent, image, 0).size);
  report.figure('response bytes', sample.length);

  let runs = 1;
  const load = async (
    kind: LoadOrder['kind'],
    to: 'echo' | 'create',
    forSeconds: number,
  ): Promise<number> => {
    const order: LoadOrder = {
      kind,
      port: to === 'echo' ? echoPort : port,
      path: to === 'echo' ? '/bench.Echo/Echo' : createPath,
      inFlight,
      seconds: forSeconds,
      parent,
      image,
      run: runs++,
    };
    const result = JSON.parse(await run('test/bench/load.js', [JSON.stringify(order)])) as LoadResult;
    if (result.failures > 0)
      throw new Error(`${result.failures} of ${result.calls} calls failed (${to}, ${kind})`);
    return result.calls / result.seconds;
  };

  const rates = {
    'grpc-js': { echo: [] as number[], create: [] as number[] },
    'raw-http2': { echo: [] as number[], create: [] as number[] },
  };
  const ratios: Record<LoadOrder['kind'], number[]> = { 'grpc-js': [], 'raw-http2': [] };
  const kinds = ['grpc-js', 'raw-http2'] as const;
  for (const kind of kinds) {
    await load(kind, 'echo', warmUpSeconds);
    await load(kind, 'create', warmUpSeconds);
  }
  for (let round = 1; round <= rounds; round += 1) {
    for (const kind of kinds) {
      const echoRate = await load(kind, 'echo', seconds);
      const createRate = await load(kind, 'create', seconds);
      rates[kind].echo.push(echoRate);
      rates[kind].create.push(createRate);
      ratios[kind].push(createRate / echoRate);
      const ratio = (createRate / echoRate).toFixed(3);
      say(
        `round ${round}: ${kind}: echo ${echoRate.toFixed(0)}/s, create ${createRate.toFixed(0)}/s, ratio ${ratio}`,
      );
    }
  }
  for (const kind of kinds) {
    report.figure(`echo, ${kind} client, calls per second`, median(rates[kind].echo));
    report.figure(`create, ${kind} client, calls per second`, median(rates[kind].create));
  }
  report.promise('durable creates per echo, grpc-js client', median(ratios['grpc-js']), { least: 0.75 });
  report.promise('durable creates per echo, raw HTTP/2 client', median(ratios['raw-http2']), { least: 0.6 });

  await stop(host.process);
  await stop(echo.process);
  await stop(scheduler.process);
  rmSync(directory, { recursive: true, force: true });
}

/** Makes what the load needs, and one VM, whose answer is what the echo answers with. */
async function firstCreate(port: number): Promise<Buffer> {
  const credentials = grpc.credentials.createInsecure();
  const vms = new v1.VmService(`127.0.0.1:${port}`, credentials);
  const codec = messageCodec<CreateVmResponse, CreateVmResponse__Output>('secovia.v1.CreateVmResponse');
  const request = new CreateRequests(parent, image, 0).next();
  const response = await new Promise<Buffer>((resolve, reject) => {
    vms.makeUnaryRequest(
      createPath,
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      request,
      (error, bytes) => (error || !bytes ? reject(error) : resolve(bytes)),
    );
  });
  vms.close();
  if (!codec.deserialize(response).vm?.host) throw new Error('the first create was not placed');
  return response;
}
