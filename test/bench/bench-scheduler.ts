/** A scheduler with a host of almost endless room, and an echo beside it that is reached in the same way. */
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type {
  CreateVmResponse,
  CreateVmResponse__Output,
} from '../../proto/gen/secovia/v1/CreateVmResponse.js';
import { messageCodec, v1 } from '../../proto/index.js';
import { channelOf, credentialsIn } from './access.js';
import { CreateRequests } from './create-requests.js';
import { freePort, run, schedulerFlags, start, stop } from './processes.js';

export const parent = 'administrations/bench';
export const image = 'images/bench';
export const createPath = '/secovia.v1.VmService/CreateVm';
export const batchPath = '/secovia.v1.VmService/BatchCreateVms';

/** Who makes VMs, and where. */
export interface Caller {
  /** A folder of credentials; null without TLS. */
  identity: string | null;
  parent: string;
}

export interface BenchScheduler extends Caller {
  port: number;
  echoPort: number;
  dataDir: string;
  /** What a create answers with, which is what the echo answers with. */
  sample: Buffer;
  stop(): Promise<void>;
}

/**
 * `folder` must be there, and is not cleaned up. VMs are made by the administrator, or by whom `admit` lets in: it is given
 * the port, the administrator's folder of credentials, and a folder of its own.
 */
export async function startScheduler(
  folder: string,
  secure: boolean,
  admit?: (port: number, admin: string | null, folder: string) => Promise<Caller>,
): Promise<BenchScheduler> {
  const port = await freePort();
  const config = join(folder, 'scheduler.yaml');
  const dataDir = join(folder, 'data');
  const identity = secure ? join(folder, 'identity') : null;
  // One caller makes all the load here: it is not held to a caller's rate.
  const settings = [`listen: 127.0.0.1:${port}`, `dataDir: ${dataDir}`, 'callsPerSecond: 1000000'];
  writeFileSync(config, [...settings, secure ? '' : 'insecure: true', ''].join('\n'));
  if (identity !== null) {
    const words = ['--data-dir', dataDir, '--federation', 'bench', '--admin', 'bench', '--out', identity];
    await run('scheduler/main.js', ['init', ...words]);
  }
  const serves = (line: string) => line.includes('"serving"');
  const args = ['run', '--config', config];
  const scheduler = await start('scheduler/main.js', args, 'stderr', serves, schedulerFlags);
  const reach = [String(port), ...(identity === null ? [] : [identity])];
  const host = await start('test/bench/sink-host.js', reach, 'stdout', (line) => line === 'ready');
  const caller = admit ? await admit(port, identity, join(folder, 'caller')) : { identity, parent };
  const sample = await firstCreate(port, caller);
  const echoed = [sample.toString('base64'), ...(secure ? [dataDir] : [])];
  const isPort = (line: string) => /^\d+$/.test(line);
  const echo = await start('test/bench/echo-server.js', echoed, 'stdout', isPort, schedulerFlags);
  const processes: ChildProcess[] = [host.process, echo.process, scheduler.process];
  return {
    port,
    echoPort: Number(echo.line),
    dataDir,
    ...caller,
    sample,
    stop: async () => {
      for (const child of processes) await stop(child);
    },
  };
}

/** Makes one VM, and gives the answer's bytes. */
async function firstCreate(port: number, { identity, parent }: Caller): Promise<Buffer> {
  const { credentials, options } = channelOf(credentialsIn(identity));
  const vms = new v1.VmService(`127.0.0.1:${port}`, credentials, options);
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
