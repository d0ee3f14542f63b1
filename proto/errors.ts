/**
 * How a failed call tells more than its status: google.rpc details in `grpc-status-details-bin`, as every gRPC
 * library expects them. The scheduler writes them, the CLI and the agent read them.
 */
import * as grpc from '@grpc/grpc-js';
import type { BadRequest, BadRequest__Output } from './gen/google/rpc/BadRequest.js';
import type { ErrorInfo, ErrorInfo__Output } from './gen/google/rpc/ErrorInfo.js';
import type {
  PreconditionFailure,
  PreconditionFailure__Output,
} from './gen/google/rpc/PreconditionFailure.js';
import type { QuotaFailure, QuotaFailure__Output } from './gen/google/rpc/QuotaFailure.js';
import type { ResourceInfo, ResourceInfo__Output } from './gen/google/rpc/ResourceInfo.js';
import type { RetryInfo, RetryInfo__Output } from './gen/google/rpc/RetryInfo.js';
import type { Status, Status__Output } from './gen/google/rpc/Status.js';
import { messageCodec } from './index.js';

/** `ErrorInfo.domain` of every reason that Secovia itself gives. */
export const errorDomain = 'secovia';

const detailsKey = 'grpc-status-details-bin';
const typePrefix = 'type.googleapis.com/';

const codecs = {
  'google.rpc.ErrorInfo': messageCodec<ErrorInfo, ErrorInfo__Output>('google.rpc.ErrorInfo'),
  'google.rpc.BadRequest': messageCodec<BadRequest, BadRequest__Output>('google.rpc.BadRequest'),
  'google.rpc.PreconditionFailure': messageCodec<PreconditionFailure, PreconditionFailure__Output>(
    'google.rpc.PreconditionFailure',
  ),
  'google.rpc.QuotaFailure': messageCodec<QuotaFailure, QuotaFailure__Output>('google.rpc.QuotaFailure'),
  'google.rpc.ResourceInfo': messageCodec<ResourceInfo, ResourceInfo__Output>('google.rpc.ResourceInfo'),
  'google.rpc.RetryInfo': messageCodec<RetryInfo, RetryInfo__Output>('google.rpc.RetryInfo'),
};

const statusCodec = messageCodec<Status, Status__Output>('google.rpc.Status');

/** The details of one failure; every part is optional. */
export interface ErrorDetails {
  errorInfo?: { reason: string; metadata: Record<string, string> };
  fieldViolations?: { field: string; description: string }[];
  preconditions?: { type: string; subject: string; description: string }[];
  /** What is exhausted: the contract's name of a quota or an agreement, and a sentence with its numbers. */
  quota?: { subject: string; description: string }[];
  resource?: { type: string; name: string };
  retryDelayMs?: number;
}

/** A google.rpc.Status message with packed details. `code` is a gRPC status number. */
export function packStatus(code: grpc.status, message: string, details: ErrorDetails): Status {
  const packed: { type_url: string; value: Buffer }[] = [];
  const add = <K extends keyof typeof codecs>(
    type: K,
    value: Parameters<(typeof codecs)[K]['serialize']>[0],
  ) => {
    const serialize = codecs[type].serialize as (message: typeof value) => Buffer;
    packed.push({ type_url: typePrefix + type, value: serialize(value) });
  };
  if (details.errorInfo) add('google.rpc.ErrorInfo', { ...details.errorInfo, domain: errorDomain });
  if (details.fieldViolations) add('google.rpc.BadRequest', { fieldViolations: details.fieldViolations });
  if (details.preconditions) add('google.rpc.PreconditionFailure', { violations: details.preconditions });
  if (details.quota) add('google.rpc.QuotaFailure', { violations: details.quota });
  if (details.resource) {
    add('google.rpc.ResourceInfo', {
      resourceType: details.resource.type,
      resourceName: details.resource.name,
    });
  }
  if (details.retryDelayMs !== undefined) {
    const seconds = Math.floor(details.retryDelayMs / 1000);
    add('google.rpc.RetryInfo', { retryDelay: { seconds, nanos: (details.retryDelayMs % 1000) * 1e6 } });
  }
  return { code, message, details: packed };
}

/** What a server hands to grpc-js when a call fails. */
export function serviceError(code: grpc.status, message: string, details: ErrorDetails): grpc.StatusObject {
  const metadata = new grpc.Metadata();
  metadata.set(detailsKey, statusCodec.serialize(packStatus(code, message, details)));
  return { code, details: message, metadata };
}

/** Reads the details of a google.rpc.Status; those of other types, and those that cannot be read, are left out. */
export function unpackStatus(status: Status__Output): ErrorDetails {
  const result: ErrorDetails = {};
  for (const any of status.details as unknown as { type_url: string; value: Buffer }[]) {
    try {
      unpackDetail(result, any.type_url.slice(typePrefix.length), Buffer.from(any.value));
    } catch {
      // Whoever sent it is not to be able to stop whoever reads it.
    }
  }
  return result;
}

function unpackDetail(result: ErrorDetails, type: string, value: Buffer): void {
  switch (type) {
    case 'google.rpc.ErrorInfo': {
      const info = codecs['google.rpc.ErrorInfo'].deserialize(value);
      result.errorInfo = { reason: info.reason, metadata: info.metadata };
      break;
    }
    case 'google.rpc.BadRequest':
      result.fieldViolations = codecs['google.rpc.BadRequest'].deserialize(value).fieldViolations;
      break;
    case 'google.rpc.PreconditionFailure':
      result.preconditions = codecs['google.rpc.PreconditionFailure'].deserialize(value).violations;
      break;
    case 'google.rpc.QuotaFailure':
      result.quota = codecs['google.rpc.QuotaFailure'].deserialize(value).violations;
      break;
    case 'google.rpc.ResourceInfo': {
      const info = codecs['google.rpc.ResourceInfo'].deserialize(value);
      result.resource = { type: info.resourceType, name: info.resourceName };
      break;
    }
    case 'google.rpc.RetryInfo': {
      const delay = codecs['google.rpc.RetryInfo'].deserialize(value).retryDelay;
      result.retryDelayMs = Number(delay?.seconds ?? 0) * 1000 + (delay?.nanos ?? 0) / 1e6;
      break;
    }
  }
}

/** The details that came with a failed call; empty when there are none or they cannot be read. */
export function readErrorDetails(error: grpc.ServiceError): ErrorDetails {
  const raw = error.metadata?.get(detailsKey)[0];
  if (!Buffer.isBuffer(raw)) return {};
  try {
    return unpackStatus(statusCodec.deserialize(raw));
  } catch {
    return {};
  }
}
