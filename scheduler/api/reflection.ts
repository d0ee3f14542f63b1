/**
 * Server reflection, so that generic clients can be used without the .proto files. The loader's own descriptors name
 * types relative to their package and merge files, which such clients cannot follow; the ones that are served here are
 * the compiler's.
 */
import { readFileSync } from 'node:fs';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { descriptorSetPath } from '../../proto/contract.js';

export function reflectionService(): ReflectionService {
  const { file } = fromBinary(FileDescriptorSetSchema, readFileSync(descriptorSetPath));
  const fileDescriptorProtos = file.map((one) => Buffer.from(toBinary(FileDescriptorProtoSchema, one)));
  // Of a package definition the service reads the descriptors alone.
  const contract: PackageDefinition = {
    contract: { format: 'Protocol Buffer 3 EnumDescriptorProto', type: {}, fileDescriptorProtos },
  };
  return new ReflectionService(contract);
}
