/** One WatchVms stream, heard. */
import * as grpc from '@grpc/grpc-js';
import type { WatchVmsRequest } from '../../../proto/gen/secovia/v1/WatchVmsRequest.js';
import type { WatchVmsResponse__Output } from '../../../proto/gen/secovia/v1/WatchVmsResponse.js';
import { type Api, definitionOf } from './client.js';
import { Heard } from './heard.js';

type Kind = 'UPDATED' | 'REMOVED' | 'SYNCED' | 'RESET' | 'HEARTBEAT';

export class Watcher {
  readonly heard = new Heard<WatchVmsResponse__Output>();
  readonly stream: grpc.ClientReadableStream<WatchVmsResponse__Output>;
  /** VMs as a reader of this watch knows them. */
  readonly vms = new Map<string, string>();

  constructor(api: Api, request: WatchVmsRequest = {}) {
    const { path, requestSerialize, responseDeserialize } = definitionOf('WatchVms');
    this.stream = api.channel.makeServerStreamRequest(
      path,
      requestSerialize as (value: WatchVmsRequest) => Buffer,
      responseDeserialize as (bytes: Buffer) => WatchVmsResponse__Output,
      request,
      new grpc.Metadata({ waitForReady: true }),
    );
    this.stream.on('data', (event: WatchVmsResponse__Output) => {
      learn(this.vms, event);
      this.heard.add(event);
    });
    this.stream.on('error', () => {});
    this.stream.on('status', ({ code, details }: grpc.StatusObject) => this.heard.end(code, details));
  }

  /** The token to resume with: the last one that came. */
  get token(): string {
    return this.heard.all.findLast(({ resumeToken }) => resumeToken !== '')?.resumeToken ?? '';
  }

  next(kind: Kind, name = ''): Promise<WatchVmsResponse__Output> {
    return this.heard.next(
      `${kind} ${name}`,
      ({ type, vm }) => type === `WATCH_EVENT_TYPE_${kind}` && (name === '' || vm?.name === name),
    );
  }

  /** The kinds of all events until now. */
  kinds(): string[] {
    return this.heard.all.map(({ type }) => type.replace('WATCH_EVENT_TYPE_', ''));
  }

  cancel(): void {
    this.stream.cancel();
  }
}

/** What an event teaches its reader. */
export function learn(vms: Map<string, string>, { type, vm }: WatchVmsResponse__Output): void {
  if (type === 'WATCH_EVENT_TYPE_RESET') vms.clear();
  if (type === 'WATCH_EVENT_TYPE_UPDATED' && vm) vms.set(vm.uid, `${vm.name} ${vm.state} ${vm.etag}`);
  if (type === 'WATCH_EVENT_TYPE_REMOVED' && vm) vms.delete(vm.uid);
}
