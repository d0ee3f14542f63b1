/**
 * Server reflection, so that generic clients can be used without the .proto files. The loader's own descriptors name
 * types relative to their package and merge files, which such clients cannot follow; the ones that are served here are
 * the compiler's.
 */
import { readFileSync } from 'node:fs';
import type * as grpc from '@grpc/grpc-js';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { descriptorSetPath } from '../../proto/index.js';
import { type Refusal, refuse } from '../core/refusal.js';
import { type Gate, identify } from './admission.js';
import { statusOf } from './status.js';

type BidiHandler = grpc.handleBidiStreamingCall<unknown, unknown>;

/** Serves it to whoever has shown a good certificate. */
export function addReflection(server: grpc.Server, gate: Pick<Gate, 'callers'>): void {
  const addService: grpc.Server['addService'] = (definition, handlers) => {
    const gated = Object.entries(handlers).map(([name, handler]) => [
      name,
      known(gate, handler as BidiHandler),
    ]);
    server.addService(definition, Object.fromEntries(gated));
  };
  reflectionService().addToServer({ addService });
}

function known(gate: Pick<Gate, 'callers'>, handle: BidiHandler): BidiHandler {
  return (stream) => {
    const refused = (refusal: Refusal) => stream.emit('error', statusOf(refusal));
    identify(gate, stream, refused, ({ subject }) => {
      if (subject.kind !== 'nobody') handle(stream);
      else refused(refuse('unauthenticated', 'UNAUTHENTICATED', subject.reason));
    });
  };
}

function reflectionService(): ReflectionService {
  const { file } = fromBinary(FileDescriptorSetSchema, readFileSync(descriptorSetPath));
  const fileDescriptorProtos = file.map((one) => Buffer.from(toBinary(FileDescriptorProtoSchema, one)));
  // Of a package definition the service reads the descriptors alone.
  const contract: PackageDefinition = {
    contract: { format: 'Protocol Buffer 3 EnumDescriptorProto', type: {}, fileDescriptorProtos },
  };
  return new ReflectionService(contract);
}
