/**
 * The process that makes the load: told by one JSON argument what to do, it answers with one line of JSON. It is a
 * process of its own so that the server has the other core to itself.
 */
import * as grpc from '@grpc/grpc-js';
import { channelOf, credentialsIn, socketTo } from './access.js';
import { CreateRequests } from './create-requests.js';
import { type LoadResult, rawHttp2Load, rawHttp2PacedLoad } from './raw-http2.js';

export interface LoadOrder {
  kind: 'grpc-js' | 'raw-http2';
  port: number;
  /** A folder of credentials; null without TLS. */
  identity: string | null;
  path: string;
  inFlight: number;
  seconds: number;
  /** Before counting begins: a process that has just started is slower than one that goes on. */
  warmUpSeconds?: number;
  /** Of `raw-http2`: ends after so many calls, if that is sooner. */
  calls?: number;
  /** Of `raw-http2`: makes calls at this pace, however many are under way; the result is a `PacedResult`. */
  callsPerSecond?: number;
  /** VMs of each request, which then is one of BatchCreateVms. */
  batch?: number;
  parent: string;
  image: string;
  /** Keeps the VMs of several orders apart. */
  run: number;
}

async function grpcJsLoad(order: LoadOrder, next: () => Buffer): Promise<LoadResult> {
  const { credentials, options } = channelOf(credentialsIn(order.identity));
  const client = new grpc.Client(`127.0.0.1:${order.port}`, credentials, options);
  const same = (bytes: Buffer) => bytes;
  let calls = 0;
  let failures = 0;
  let ended = false;
  let startedMs = performance.now();
  const { warmUpSeconds = 0 } = order;
  const begin = () => {
    calls = 0;
    startedMs = performance.now();
  };
  const end = () => {
    ended = true;
  };
  const timers = [
    ...(warmUpSeconds === 0 ? [] : [setTimeout(begin, warmUpSeconds * 1000)]),
    setTimeout(end, (warmUpSeconds + order.seconds) * 1000),
  ];
  const lane = () =>
    new Promise<void>((resolve) => {
      const call = () => {
        if (ended) return resolve();
        client.makeUnaryRequest(order.path, same, same, next(), (error) => {
          calls += 1;
          if (error) failures += 1;
          call();
        });
      };
      call();
    });
  await Promise.all(Array.from({ length: order.inFlight }, lane));
  for (const timer of timers) clearTimeout(timer);
  const seconds = (performance.now() - startedMs) / 1000;
  client.close();
  return { calls, failures, seconds };
}

async function rawLoad(order: LoadOrder, next: () => Buffer): Promise<LoadResult> {
  const socket = await socketTo(order.port, credentialsIn(order.identity));
  const { callsPerSecond } = order;
  if (callsPerSecond === undefined) return rawHttp2Load(socket, { ...order, next });
  return rawHttp2PacedLoad(socket, { ...order, callsPerSecond, next });
}

const order = JSON.parse(process.argv[2] ?? '{}') as LoadOrder;
const requests = new CreateRequests(order.parent, order.image, order.run, order.batch);
const next = () => requests.next();
const result = await (order.kind === 'grpc-js' ? grpcJsLoad(order, next) : rawLoad(order, next));
process.stdout.write(`${JSON.stringify(result)}\n`);
