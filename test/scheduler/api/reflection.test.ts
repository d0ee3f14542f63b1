import {
  create,
  createFileRegistry,
  type DescMessage,
  type FileRegistry,
  fromBinary,
  fromJson,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import * as protoLoader from '@grpc/proto-loader';
import tap, { test } from 'tap';
import { within } from '../within.js';
import { Federation, tinyImage } from './federation.js';

const federation = await Federation.start(tap);
const { api } = federation;

/** What a reflection client needs, written down here as such a client has it: independent of the server's package. */
const reflection = protoLoader.fromJSON(
  {
    nested: {
      Request: {
        fields: {
          host: { type: 'string', id: 1 },
          fileByFilename: { type: 'string', id: 3 },
          fileContainingSymbol: { type: 'string', id: 4 },
          listServices: { type: 'string', id: 7 },
        },
        oneofs: { ask: { oneof: ['fileByFilename', 'fileContainingSymbol', 'listServices'] } },
      },
      Files: { fields: { fileDescriptorProto: { rule: 'repeated', type: 'bytes', id: 1 } } },
      Service: { fields: { name: { type: 'string', id: 1 } } },
      Services: { fields: { service: { rule: 'repeated', type: 'Service', id: 1 } } },
      Failure: { fields: { errorCode: { type: 'int32', id: 1 }, errorMessage: { type: 'string', id: 2 } } },
      Response: {
        fields: {
          fileDescriptorResponse: { type: 'Files', id: 4 },
          listServicesResponse: { type: 'Services', id: 6 },
          errorResponse: { type: 'Failure', id: 7 },
        },
      },
      Reflection: {
        methods: {
          Ask: {
            requestType: 'Request',
            requestStream: true,
            responseType: 'Response',
            responseStream: true,
            comment: '',
          },
        },
      },
    },
  },
  { defaults: false },
);
interface Answer {
  fileDescriptorResponse?: { fileDescriptorProto: Buffer[] };
  listServicesResponse?: { service: { name: string }[] };
  errorResponse?: { errorCode: number; errorMessage: string };
}
const codec = reflection['Reflection'] as unknown as Record<
  string,
  protoLoader.MethodDefinition<object, Answer>
>;

function ask(question: object, version = 'v1'): Promise<Answer> {
  const method = codec['Ask'] as protoLoader.MethodDefinition<object, Answer>;
  const stream = api.channel.makeBidiStreamRequest(
    `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
    method.requestSerialize,
    method.responseDeserialize as unknown as (bytes: Buffer) => Answer,
  );
  const answer = new Promise<Answer>((resolve, reject) => {
    stream.on('data', resolve);
    stream.on('error', reject);
  });
  stream.write(question);
  stream.end();
  return within(45_000, 'an answer of reflection', answer);
}

const services = [
  'secovia.v1.AdministrationService',
  'secovia.v1.AgentService',
  'secovia.v1.AgreementService',
  'secovia.v1.FederationService',
  'secovia.v1.HostService',
  'secovia.v1.ImageService',
  'secovia.v1.OperationService',
  'secovia.v1.PartnerService',
  'secovia.v1.PlacementService',
  'secovia.v1.QuotaService',
  'secovia.v1.ResidencyService',
  'secovia.v1.SiteService',
  'secovia.v1.StoragePoolService',
  'secovia.v1.UsageService',
  'secovia.v1.VmService',
];

/** Collects the files of a symbol as a client does: what is missing is asked for by name. */
async function registryOf(symbol: string): Promise<FileRegistry> {
  const files = new Map<string, FileDescriptorProto>();
  const take = ({ fileDescriptorResponse, errorResponse }: Answer) => {
    if (errorResponse) throw new Error(errorResponse.errorMessage);
    for (const bytes of fileDescriptorResponse?.fileDescriptorProto ?? []) {
      const file = fromBinary(FileDescriptorProtoSchema, bytes);
      files.set(file.name, file);
    }
  };
  take(await ask({ fileContainingSymbol: symbol }));
  for (;;) {
    const missing = [...files.values()].flatMap((file) => file.dependency).find((name) => !files.has(name));
    if (missing === undefined) break;
    take(await ask({ fileByFilename: missing }));
  }
  // What a file needs must come before it.
  const sorted = new Set<FileDescriptorProto>();
  const add = (file: FileDescriptorProto) => {
    for (const name of file.dependency) add(files.get(name) as FileDescriptorProto);
    sorted.add(file);
  };
  for (const file of files.values()) add(file);
  return createFileRegistry(create(FileDescriptorSetSchema, { file: [...sorted] }));
}

for (const version of ['v1', 'v1alpha']) {
  test(`reflection ${version} lists every service`, async (t) => {
    const { listServicesResponse } = await ask({ listServices: '' }, version);
    const names = (listServicesResponse?.service ?? []).map(({ name }) => name);
    t.same(
      services.filter((name) => !names.includes(name)),
      [],
    );
  });
}

for (const name of services) {
  test(`a client can build ${name} from what reflection serves`, async (t) => {
    const registry = await registryOf(name);
    const service = registry.getService(name);
    t.ok(service && service.methods.length > 0, `${service?.methods.length} methods`);
    for (const method of service?.methods ?? []) {
      t.match(method.input.typeName, /^secovia\.v1\.\w+Request$/);
      t.match(method.output.typeName, /^secovia\.v1\.\w+Response$/);
    }
  });
}

test('a call made from nothing but reflection works, in proto3 JSON both ways', async (t) => {
  const registry = await registryOf('secovia.v1.ImageService');
  const method = registry
    .getService('secovia.v1.ImageService')
    ?.methods.find(({ name }) => name === 'CreateImage');
  const [input, output] = [method?.input, method?.output] as [DescMessage, DescMessage];
  const json = { imageId: 'reflected', image: { ...tinyImage, sizeBytes: '4000000' } };
  const bytes = await api.bytes('CreateImage', Buffer.from(toBinary(input, fromJson(input, json))));
  t.match(toJson(output, fromBinary(output, bytes)), {
    image: {
      name: 'images/reflected',
      format: 'IMAGE_FORMAT_QCOW2',
      sizeBytes: '4000000',
      createTime: /^\d{4}-\d\d-\d\dT[\d:.]+Z$/,
    },
  });
});

test('reflection says what it does not know', async (t) => {
  t.match(await ask({ fileContainingSymbol: 'secovia.v1.None' }), {
    errorResponse: { errorCode: grpc.status.NOT_FOUND },
  });
  t.match(await ask({ fileByFilename: 'none.proto' }), {
    errorResponse: { errorCode: grpc.status.NOT_FOUND },
  });
});

/** The standard health service, as its clients have it. */
const health = protoLoader.fromJSON(
  {
    nested: {
      Request: { fields: { service: { type: 'string', id: 1 } } },
      Status: { values: { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } },
      Response: { fields: { status: { type: 'Status', id: 1 } } },
      Health: { methods: { Check: { requestType: 'Request', responseType: 'Response', comment: '' } } },
    },
  },
  { enums: String, defaults: true },
);

function check(service: string): Promise<string> {
  const definition = health['Health'] as unknown as Record<
    string,
    protoLoader.MethodDefinition<object, { status: string }>
  >;
  const { requestSerialize, responseDeserialize } = definition['Check'] as protoLoader.MethodDefinition<
    object,
    { status: string }
  >;
  return new Promise((resolve, reject) => {
    api.channel.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      requestSerialize,
      responseDeserialize as unknown as (bytes: Buffer) => { status: string },
      { service },
      (error, response) => (error ? reject(error) : resolve(response?.status ?? '')),
    );
  });
}

test('the health service says SERVING for the server and each service, and knows no other', async (t) => {
  for (const name of ['', ...services]) t.equal(await check(name), 'SERVING', name);
  await t.rejects(check('secovia.v1.None'), { code: grpc.status.NOT_FOUND });
});

test('a method that does not exist is UNIMPLEMENTED', async (t) => {
  const call = new Promise((resolve) => {
    const nothing = (value: Buffer) => value;
    api.channel.makeUnaryRequest('/secovia.v1.VmService/None', nothing, nothing, Buffer.alloc(0), resolve);
  });
  t.match(await call, { code: grpc.status.UNIMPLEMENTED });
});
