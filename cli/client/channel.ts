/** How the CLI reaches the scheduler: address, credentials and channel options are decided here and nowhere else. */
import * as grpc from '@grpc/grpc-js';
import {
  type Credentials,
  CredentialsError,
  readCredentials,
  type SecureChannel,
  secureChannel,
} from '../../proto/credentials.js';
import { endpointOf, isLoopback } from '../../proto/loopback.js';
import { exitCodes, Failure } from '../failure.js';
import { harmless } from '../output/harmless.js';

export interface ChannelSettings {
  server: string;
  /** Null: without TLS. */
  identity: string | null;
}

/** @throws Failure when there are no credentials that could be used. */
export function openChannel({ server, identity }: ChannelSettings, nowMs: number): grpc.Client {
  const { credentials, options } =
    identity === null ? withoutTls(server) : secureChannel(usableCredentials(identity, nowMs));
  return new grpc.Client(server, credentials, {
    ...options,
    // A scheduler that restarts is found again quickly.
    'grpc.initial_reconnect_backoff_ms': 200,
    'grpc.min_reconnect_backoff_ms': 200,
    'grpc.max_reconnect_backoff_ms': 2000,
    // The scheduler is reached directly: a web proxy of the environment would only stand in the way.
    'grpc.enable_http_proxy': 0,
    // A watch over a connection that died without a word notices within a minute.
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.max_receive_message_length': 64 * 1024 * 1024,
  });
}

/** Only to this machine, so that nobody leaves it out by accident. */
function withoutTls(server: string): SecureChannel {
  if (!isLoopback(endpointOf(server).host)) {
    throw refusal(
      `without TLS only a scheduler on this machine can be called, and ${server} is not. Leave --insecure and SECOVIA_INSECURE out.`,
    );
  }
  return { credentials: grpc.credentials.createInsecure(), options: {} };
}

function usableCredentials(folder: string, nowMs: number): Credentials {
  const credentials = readFolder(folder);
  const { uri, startMs, endMs } = credentials;
  const moment = (ms: number) => new Date(ms).toISOString();
  if (endMs <= nowMs) {
    throw refusal(
      `the certificate of ${uri} in ${folder} has expired at ${moment(endMs)}. Ask whoever issued it for another one.`,
    );
  }
  if (startMs > nowMs) {
    throw refusal(
      `the certificate of ${uri} in ${folder} is good from ${moment(startMs)}. Look at this machine's clock.`,
    );
  }
  return credentials;
}

function readFolder(folder: string): Credentials {
  try {
    return readCredentials(folder);
  } catch (error) {
    if (!(error instanceof CredentialsError)) throw error;
    const advice = error.missing
      ? ' Say where they are with --identity or SECOVIA_IDENTITY, or --insecure for a scheduler on this machine that runs so.'
      : '';
    throw refusal(`${error.message}.${advice}`);
  }
}

function refusal(sentence: string): Failure {
  return new Failure(harmless(sentence), exitCodes.usage);
}
