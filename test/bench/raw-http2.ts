/**
 * Load generators that cost so little that they measure the server: one keeps a number of calls under way, the other
 * makes calls at a pace, whatever becomes of them.
 */
import type { Socket } from 'node:net';
import { RawCalls } from './raw-http2-calls.js';

export interface LoadResult {
  calls: number;
  /** Calls that ended without a message: the server refused them. */
  failures: number;
  seconds: number;
}

export interface Load {
  port: number;
  path: string;
  seconds: number;
  next(): Buffer;
}

export interface SteadyLoad extends Load {
  inFlight: number;
  /** Before counting begins. */
  warmUpSeconds?: number;
  /** It ends after so many, if that is sooner. */
  calls?: number;
}

/** Keeps `inFlight` unary calls under way on one connection. */
export function rawHttp2Load(socket: Socket, load: SteadyLoad): Promise<LoadResult> {
  return new Promise((resolve) => {
    const { inFlight, warmUpSeconds = 0, calls: most = Number.POSITIVE_INFINITY } = load;
    const result: LoadResult = { calls: 0, failures: 0, seconds: 0 };
    let [made, isOver] = [0, false];
    const call = () => {
      made += 1;
      calls.call(0);
    };
    const ended = (_tag: number, withMessage: boolean) => {
      result.calls += 1;
      if (!withMessage) result.failures += 1;
      if (!isOver && made < most) call();
      else if (calls.underWay === 0) {
        clearTimeout(timer);
        result.seconds = (performance.now() - startedMs) / 1000;
        socket.destroy();
        resolve(result);
      }
    };
    const calls = new RawCalls(socket, { ...load, ended });
    let startedMs = performance.now();
    const end = () => {
      isOver = true;
    };
    const begin = () => {
      result.calls = 0;
      startedMs = performance.now();
      timer = setTimeout(end, load.seconds * 1000);
    };
    let timer =
      warmUpSeconds === 0 ? setTimeout(end, load.seconds * 1000) : setTimeout(begin, warmUpSeconds * 1000);
    while (made < Math.min(inFlight, most)) call();
    calls.flush();
  });
}

export interface PacedResult extends LoadResult {
  /** From when a call was due until it was answered, in milliseconds. */
  medianMs: number;
  p99Ms: number;
}

/**
 * Makes calls at an even pace for `seconds`. A call's time begins when it was due, not when it was made: a server that
 * holds everything up is not spared the calls that would have come meanwhile.
 */
export function rawHttp2PacedLoad(
  socket: Socket,
  load: Load & { callsPerSecond: number },
): Promise<PacedResult> {
  return new Promise((resolve) => {
    const most = Math.ceil(load.callsPerSecond * load.seconds);
    const tookMs: number[] = [];
    let [made, failures] = [0, 0];
    const ended = (dueMs: number, withMessage: boolean) => {
      tookMs.push(performance.now() - dueMs);
      if (!withMessage) failures += 1;
      if (tookMs.length < most) return;
      const seconds = (performance.now() - startedMs) / 1000;
      socket.destroy();
      tookMs.sort((a, b) => a - b);
      const part = (share: number) => tookMs[Math.ceil(share * most) - 1] as number;
      resolve({ calls: most, failures, seconds, medianMs: part(0.5), p99Ms: part(0.99) });
    };
    const calls = new RawCalls(socket, { ...load, ended });
    const startedMs = performance.now();
    const makeDue = () => {
      const dueBy = Math.floor(((performance.now() - startedMs) * load.callsPerSecond) / 1000) + 1;
      for (; made < Math.min(dueBy, most); made += 1)
        calls.call(startedMs + (made * 1000) / load.callsPerSecond);
      calls.flush();
      if (made < most) setTimeout(makeDue, 1);
    };
    makeDue();
  });
}
