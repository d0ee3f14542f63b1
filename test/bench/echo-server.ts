/**
 * The peer: a bare grpc-js server in its own process that answers every call with the same bytes, of the size that
 * CreateVm answers with. It decodes nothing and decides nothing.
 */
import * as grpc from '@grpc/grpc-js';

const response = Buffer.from(process.argv[2] ?? '', 'base64');
const same = (bytes: Buffer) => bytes;
const server = new grpc.Server({ 'grpc.enable_channelz': 0 });
server.addService(
  {
    Echo: {
      path: '/bench.Echo/Echo',
      requestStream: false,
      responseStream: false,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    },
  },
  { Echo: (_call: unknown, callback: grpc.sendUnaryData<Buffer>) => callback(null, response) },
);
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.stdout.write(`${port}\n`);
});
