/**
 * The peer: a bare grpc-js server in its own process that answers every call with the same bytes, of the size that
 * CreateVm answers with. It decodes nothing and decides nothing. `echo-server.js RESPONSE [DATA_FOLDER]`: with the folder of
 * a scheduler that has TLS it has the same, and asks for certificates.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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
const dataDir = process.argv[3];
const told = (port: number) => process.stdout.write(`${port}\n`);
if (dataDir === undefined) {
  server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    told(port);
  });
} else {
  // The same TLS as the scheduler beside it, in the way that grpc-js itself does it.
  const pem = (path: string) => readFileSync(join(dataDir, path));
  const own = pem('server/server.key');
  const pair = { private_key: own, cert_chain: own };
  const credentials = grpc.ServerCredentials.createSsl(pem('authority/authority.pem'), [pair], true);
  server.bindAsync('127.0.0.1:0', credentials, (error, port) => {
    if (error) throw error;
    told(port);
  });
}
