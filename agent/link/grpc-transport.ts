/**
 * The link's stream over gRPC. Each attempt gets a channel of its own: the channel's hidden reconnecting and its
 * pauses would otherwise mix with those of the link machine.
 */
import * as grpc from '@grpc/grpc-js';
import { CredentialsError, type SecureChannel } from '../../proto/credentials.js';
import type { LinkRequest } from '../../proto/gen/secovia/v1/LinkRequest.js';
import type { LinkResponse__Output } from '../../proto/gen/secovia/v1/LinkResponse.js';
import { v1 } from '../../proto/index.js';
import { OperatorError } from '../operator-error.js';
import type { LinkStream, StreamListener, Transport } from './transport.js';

type LinkClient = InstanceType<typeof v1.AgentService>;
type Call = grpc.ClientDuplexStream<LinkRequest, LinkResponse__Output>;

/** After an outage all agents come at once, and the scheduler takes them one after the other. */
const connectTimeoutMs = 20_000;
/** A last message may take this long to leave before the channel is closed under it. */
const lingerMs = 500;

const channelOptions: grpc.ChannelOptions = {
  // Within an attempt: a scheduler that starts again is found soon.
  'grpc.initial_reconnect_backoff_ms': 500,
  'grpc.max_reconnect_backoff_ms': 3_000,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_channelz': 0,
};

/** How the agent proves which host it is, as of now; asked for every stream anew, since certificates are renewed. */
export type ChannelSource = () => SecureChannel;

export class GrpcTransport implements Transport {
  readonly #address: string;
  readonly #channel: ChannelSource;

  constructor(address: string, channel: ChannelSource) {
    this.#address = address;
    this.#channel = channel;
  }

  open(listener: StreamListener): LinkStream {
    let channel: SecureChannel;
    try {
      channel = this.#channel();
    } catch (error) {
      return neverOpened(listener, error as Error);
    }
    const options = { ...channelOptions, ...channel.options };
    const client = new v1.AgentService(this.#address, channel.credentials, options);
    let call: Call | null = null;
    let over = false;
    const end = (reason: string, refused = false) => {
      if (over) return;
      over = true;
      client.close();
      listener.ended(reason, refused);
    };
    client.waitForReady(Date.now() + connectTimeoutMs, (error) => {
      if (over) return;
      if (error !== undefined) {
        return whyNotReady(client, (reason) => end(`no connection to ${this.#address}${reason}`));
      }
      call = client.link();
      call.on('data', (response) => over || listener.received(response));
      call.on('drain', () => over || listener.writable());
      call.on('error', (failure: grpc.ServiceError) =>
        end(describe(failure, this.#address), isRefusal(failure)),
      );
      call.on('end', () => end('the scheduler ended the stream'));
      listener.opened();
    });
    return {
      send: (request) => (over || call === null ? false : call.write(request)),
      close: () => {
        if (over) return;
        over = true;
        if (call === null) return client.close();
        call.on('error', () => undefined);
        call.end();
        setTimeout(() => {
          call?.cancel();
          client.close();
        }, lingerMs).unref();
      },
    };
  }
}

/** Whoever waited is not told what for: a call that does not wait is. */
function whyNotReady(client: LinkClient, told: (reason: string) => void): void {
  const call = client.link({ deadline: Date.now() + lingerMs });
  call.on('error', ({ details }: grpc.ServiceError) => {
    const reason = /Last error: (?:Error: )?(.*?)(\. Resolution note: .*)?$/s.exec(details)?.[1];
    told(reason === undefined ? '' : `: ${reason}`);
  });
}

/** What this host has to show for itself cannot be read: somebody may mend it. */
function neverOpened(listener: StreamListener, error: Error): LinkStream {
  if (!(error instanceof CredentialsError) && !(error instanceof OperatorError)) throw error;
  let over = false;
  setImmediate(() => {
    if (!over) listener.ended(error.message);
  });
  return {
    send: () => false,
    close: () => {
      over = true;
    },
  };
}

/** The certificate is not accepted: trying again soon does not change that. */
function isRefusal({ code }: grpc.ServiceError): boolean {
  return code === grpc.status.UNAUTHENTICATED || code === grpc.status.PERMISSION_DENIED;
}

function describe(failure: grpc.ServiceError, address: string): string {
  if (failure.code === grpc.status.UNAVAILABLE) return `the connection to ${address} is lost`;
  return `the scheduler answers ${grpc.status[failure.code] ?? failure.code}: ${failure.details}`;
}
