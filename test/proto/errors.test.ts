import * as grpc from '@grpc/grpc-js';
import { test } from 'tap';
import type { Status__Output } from '../../proto/gen/google/rpc/Status.js';
import {
  type ErrorDetails,
  packStatus,
  readErrorDetails,
  serviceError,
  unpackStatus,
} from '../../proto/errors.js';

const everything: ErrorDetails = {
  errorInfo: { reason: 'NO_HOST', metadata: { hosts: '3', č: '\u{1f600}' } },
  fieldViolations: [{ field: 'vm.spec', description: 'is missing' }],
  preconditions: [{ type: 'HOST_IN_USE', subject: 'hosts/a', description: 'it has VMs' }],
  quota: [{ subject: 'administrations/a/quotas/everywhere', description: '5 of 4 vCPUs' }],
  resource: { type: 'VM', name: 'vms/x' },
  retryDelayMs: 2500,
};

function thrown({ code, details, metadata }: grpc.StatusObject): grpc.ServiceError {
  return Object.assign(new Error(details), { code, details, metadata });
}

/** Only what is asked about, without the fields that the loader adds. */
function essence(details: ErrorDetails) {
  const { errorInfo, fieldViolations, preconditions, quota, resource, retryDelayMs } = details;
  return {
    errorInfo: errorInfo && { reason: errorInfo.reason, metadata: { ...errorInfo.metadata } },
    fieldViolations: fieldViolations?.map(({ field, description }) => ({ field, description })),
    preconditions: preconditions?.map(({ type, subject, description }) => ({ type, subject, description })),
    quota: quota?.map(({ subject, description }) => ({ subject, description })),
    resource,
    retryDelayMs,
  };
}

test('what was said of a failure is read again', async (t) => {
  const error = thrown(serviceError(grpc.status.FAILED_PRECONDITION, 'a sentence', everything));
  t.equal(error.code, grpc.status.FAILED_PRECONDITION);
  t.same(essence(readErrorDetails(error)), everything);
});

test('a failure without details has none', async (t) => {
  const nothing = { code: grpc.status.UNKNOWN, details: '', metadata: new grpc.Metadata() };
  t.same(readErrorDetails(thrown(nothing)), {});
  t.same(readErrorDetails(thrown(serviceError(grpc.status.INTERNAL, '', {}))), {});
});

test('details that cannot be read, or are of other types, are left out, and the others are kept', async (t) => {
  const broken = Buffer.from([0xff, 0xff, 0xff]);
  const packed = packStatus(5, 'x', everything).details as object[];
  const status = {
    code: 5,
    message: 'x',
    details: [
      { type_url: 'type.googleapis.com/google.rpc.ErrorInfo', value: broken },
      { type_url: 'type.googleapis.com/google.rpc.DebugInfo', value: broken },
      { type_url: '', value: Buffer.alloc(0) },
      { type_url: '__proto__', value: broken },
      ...packed,
    ],
  } as unknown as Status__Output;
  t.same(essence(unpackStatus(status)), everything);
});

test('a status that is no message is no details', async (t) => {
  const metadata = new grpc.Metadata();
  metadata.set('grpc-status-details-bin', Buffer.from([0xff, 0xff, 0xff, 0xff]));
  t.same(readErrorDetails(thrown({ code: 2, details: '', metadata })), {});
});
