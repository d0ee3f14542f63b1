/** Calls of AgentService other than the stream, each over a connection of its own. */
import * as grpc from '@grpc/grpc-js';
import type { SecureChannel } from '../../proto/credentials.js';
import { readErrorDetails } from '../../proto/errors.js';
import type { JoinRequest } from '../../proto/gen/secovia/v1/JoinRequest.js';
import type { JoinResponse__Output } from '../../proto/gen/secovia/v1/JoinResponse.js';
import type { RenewCertificateResponse__Output } from '../../proto/gen/secovia/v1/RenewCertificateResponse.js';
import { v1 } from '../../proto/index.js';

/** The scheduler has not done what was asked. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
  constructor(
    readonly code: grpc.status,
    /** Of the scheduler, e.g. `TOKEN_USED`; empty when it was not reached. */
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }

  /** It may be otherwise in a while, without anybody doing anything here. */
  get isPassing(): boolean {
    const { UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, INTERNAL, UNKNOWN, ABORTED } = grpc.status;
    const passing = [UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, INTERNAL, UNKNOWN, ABORTED];
    return passing.includes(this.code) || this.reason === 'SITE_RECOVERING';
  }
}

const deadlineMs = 15_000;

export const insecureChannel = (): SecureChannel => ({
  credentials: grpc.credentials.createInsecure(),
  options: {},
});

export function join(
  address: string,
  channel: SecureChannel,
  request: JoinRequest,
): Promise<JoinResponse__Output> {
  return once(address, channel, (client, options, done) => client.join(request, options, done));
}

export function renewCertificate(
  address: string,
  channel: SecureChannel,
  request: { signingRequest: Buffer; requestId: string },
): Promise<RenewCertificateResponse__Output> {
  return once(address, channel, (client, options, done) => client.renewCertificate(request, options, done));
}

type Client = InstanceType<typeof v1.AgentService>;
type Done<R> = (error: grpc.ServiceError | null, response?: R) => void;

function once<R>(
  address: string,
  { credentials, options }: SecureChannel,
  call: (client: Client, options: grpc.CallOptions, done: Done<R>) => unknown,
): Promise<R> {
  const client = new v1.AgentService(address, credentials, {
    ...options,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_channelz': 0,
  });
  return new Promise<R>((resolve, reject) => {
    call(client, { deadline: Date.now() + deadlineMs }, (error, response) => {
      client.close();
      if (error !== null) {
        const { errorInfo, fieldViolations } = readErrorDetails(error);
        const [violation] = fieldViolations ?? [];
        const message =
          violation === undefined ? error.details : `${violation.field}: ${violation.description}`;
        reject(new CallFailed(error.code, errorInfo?.reason ?? '', message));
      } else if (response === undefined) {
        reject(new CallFailed(grpc.status.INTERNAL, '', 'the scheduler gave no answer'));
      } else resolve(response);
    });
  });
}
