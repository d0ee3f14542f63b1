/**
 * What a durable unary create costs, beside a bare echo of the same bytes, and what mutual TLS adds. Eight loads in turn,
 * several rounds: echo and create, without TLS and with it, each with a grpc-js client (whose own cost hides much of the
 * server's) and with a cheap generator (which hides nothing). Each load has one connection, for as long as it lasts.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BenchScheduler, createPath, image, parent, startScheduler } from './bench-scheduler.js';
import { CreateRequests } from './create-requests.js';
import type { LoadOrder } from './load.js';
import { run } from './processes.js';
import type { LoadResult } from './raw-http2.js';
import { median, medianRatio, type Report } from './report.js';

const rounds = 5;
const warmUpSeconds = 3;
const seconds = 3;
const inFlight = 64;

const kinds = ['grpc-js', 'raw-http2'] as const;
const ways = ['plain', 'tls'] as const;
type Kind = (typeof kinds)[number];
type Way = (typeof ways)[number];

/** Calls a second, a number a round. */
interface Rates {
  echo: number[];
  create: number[];
}

export async function api(report: Report, say: (line: string) => void): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'secovia-bench-'));
  const started = async (way: Way) => {
    const folder = join(directory, way);
    mkdirSync(folder);
    return startScheduler(folder, way === 'tls');
  };
  const schedulers: Record<Way, BenchScheduler> = {
    plain: await started('plain'),
    tls: await started('tls'),
  };
  report.figure('request bytes', new CreateRequests(parent, image, 0).size);
  report.figure('response bytes', schedulers.plain.sample.length);

  let runs = 1;
  const load = async (kind: Kind, way: Way, to: keyof Rates, forSeconds: number): Promise<number> => {
    const { port, echoPort, identity } = schedulers[way];
    const order: LoadOrder = {
      kind,
      port: to === 'echo' ? echoPort : port,
      identity,
      path: to === 'echo' ? '/bench.Echo/Echo' : createPath,
      inFlight,
      seconds: forSeconds,
      parent,
      image,
      run: runs++,
    };
    const result = JSON.parse(await run('test/bench/load.js', [JSON.stringify(order)])) as LoadResult;
    if (result.failures > 0)
      throw new Error(`${result.failures} of ${result.calls} calls failed (${to}, ${kind}, ${way})`);
    return result.calls / result.seconds;
  };

  const empty = (): Record<Way, Rates> => ({
    plain: { echo: [], create: [] },
    tls: { echo: [], create: [] },
  });
  const rates: Record<Kind, Record<Way, Rates>> = { 'grpc-js': empty(), 'raw-http2': empty() };
  for (const kind of kinds) {
    for (const way of ways) {
      await load(kind, way, 'echo', warmUpSeconds);
      await load(kind, way, 'create', warmUpSeconds);
    }
  }
  for (let round = 1; round <= rounds; round += 1) {
    for (const kind of kinds) {
      for (const way of ways) {
        const echo = await load(kind, way, 'echo', seconds);
        const create = await load(kind, way, 'create', seconds);
        rates[kind][way].echo.push(echo);
        rates[kind][way].create.push(create);
        const told = `echo ${echo.toFixed(0)}/s, create ${create.toFixed(0)}/s, ratio ${(create / echo).toFixed(3)}`;
        say(`round ${round}: ${kind}, ${way}: ${told}`);
      }
    }
  }
  for (const kind of kinds) {
    for (const way of ways) {
      report.figure(`echo, ${kind} client, ${way}, calls per second`, median(rates[kind][way].echo));
      report.figure(`create, ${kind} client, ${way}, calls per second`, median(rates[kind][way].create));
    }
    report.figure(
      `durable creates per echo, both over TLS, ${kind} client`,
      medianRatio(rates[kind].tls.create, rates[kind].tls.echo),
    );
  }
  const perEcho = (kind: Kind) => medianRatio(rates[kind].plain.create, rates[kind].plain.echo);
  report.promise('durable creates per echo, grpc-js client', perEcho('grpc-js'), { least: 0.75 });
  report.promise('durable creates per echo, raw HTTP/2 client', perEcho('raw-http2'), { least: 0.6 });
  for (const kind of kinds) {
    const kept = medianRatio(rates[kind].tls.create, rates[kind].plain.create);
    report.promise(`creates over mutual TLS per create without, ${kind} client`, kept, { least: 0.85 });
  }
  for (const way of ways) await schedulers[way].stop();
  rmSync(directory, { recursive: true, force: true });
}
