/** The one place where a refusal of the core becomes a gRPC status with its details. */
import { status } from '@grpc/grpc-js';
import type { StatusObject } from '@grpc/grpc-js';
import { type ErrorDetails, packStatus, serviceError } from '../../proto/errors.js';
import type { Status } from '../../proto/gen/google/rpc/Status.js';
import type { Refusal, RefusalKind } from '../core/refusal.js';
import { cutText } from '../core/text.js';

const codes: Record<RefusalKind, status> = {
  invalid: status.INVALID_ARGUMENT,
  not_found: status.NOT_FOUND,
  already_exists: status.ALREADY_EXISTS,
  precondition: status.FAILED_PRECONDITION,
  exhausted: status.RESOURCE_EXHAUSTED,
  aborted: status.ABORTED,
  denied: status.PERMISSION_DENIED,
  unauthenticated: status.UNAUTHENTICATED,
  unavailable: status.UNAVAILABLE,
  unimplemented: status.UNIMPLEMENTED,
};

export function codeOf(kind: RefusalKind): status {
  return codes[kind];
}

/**
 * A status travels in headers, and a client whose limit of 8 KiB is exceeded sees no status at all. Requests are quoted
 * in messages, and may be a thousand times as long.
 */
const messageLimit = 1000;
const wordLimit = 200;
/** Exhausted limits of one refusal that are told, and what each of them may say: numbers, and what would help. */
const toldLimits = 4;
const limitSentence = 400;

export function statusOf(refusal: Refusal): StatusObject {
  return serviceError(codes[refusal.kind], sentenceOf(refusal), detailsOf(refusal));
}

/** The same as a message, for a call in which not everything was refused. */
export function statusMessageOf(refusal: Refusal): Status {
  return packStatus(codes[refusal.kind], sentenceOf(refusal), detailsOf(refusal));
}

function detailsOf(refusal: Refusal): ErrorDetails {
  const { kind, reason, metadata, violations, quota, retryDelayMs } = refusal;
  const details: ErrorDetails = { errorInfo: { reason, metadata: cutValues(metadata) } };
  if (violations) {
    details.fieldViolations = violations.map(({ field, description }) => ({
      field: cutText(field, wordLimit),
      description: cutText(description, wordLimit),
    }));
  }
  if (quota) {
    details.quota = quota.slice(0, toldLimits).map(({ subject, description }) => ({
      subject: cutText(subject, wordLimit),
      description: cutText(description, limitSentence),
    }));
  }
  if (refusal.resource) details.resource = cutValues(refusal.resource);
  if (kind === 'precondition') {
    const subject = details.resource?.name ?? '';
    details.preconditions = [{ type: reason, subject, description: sentenceOf(refusal) }];
  }
  if (retryDelayMs !== undefined) details.retryDelayMs = retryDelayMs;
  return details;
}

/** What a caller is told in words. */
export function sentenceOf({ message }: Refusal): string {
  return cutText(message, messageLimit);
}

function cutValues<T extends Record<string, string>>(values: T): T {
  const cut = Object.entries(values).map(([key, value]) => [key, cutText(value, wordLimit)]);
  return Object.fromEntries(cut) as T;
}

/** For a bug on our side, of which a caller is told nothing; whoever answers with it has logged it. */
export function internalStatus(): StatusObject {
  return serviceError(status.INTERNAL, 'an internal error; it has been logged', {
    errorInfo: { reason: 'INTERNAL', metadata: {} },
  });
}
