/**
 * A host of almost endless room, in a process of its own: it joins, says hello, asks for leases, and takes in what it
 * should hold without running or even decoding it. So the scheduler does all that it does for a real host, and the
 * host, which would be another machine, takes as little of this one as it can.
 */
import * as grpc from '@grpc/grpc-js';
import type { LinkRequest, LinkRequest__Output } from '../../proto/gen/secovia/v1/LinkRequest.js';
import { messageCodec, v1 } from '../../proto/index.js';
import { rawHttp2Stream } from './raw-http2.js';

const address = `127.0.0.1:${process.argv[2]}`;
const credentials = grpc.credentials.createInsecure();
const machineId = '0'.repeat(32);

const sites = new v1.SiteService(address, credentials);
const administrations = new v1.AdministrationService(address, credentials);
const images = new v1.ImageService(address, credentials);
const agents = new v1.AgentService(address, credentials);

const done = (call: (callback: (error: grpc.ServiceError | null) => void) => void) =>
  new Promise<void>((resolve, reject) => call((error) => (error ? reject(error) : resolve())));

await done((callback) =>
  sites.createSite({ siteId: 'bench', site: { partner: 'bench', country: 'HR' } }, callback),
);
await done((callback) =>
  administrations.createAdministration(
    { administrationId: 'bench', administration: { title: 'Bench', country: 'HR' } },
    callback,
  ),
);
await done((callback) =>
  images.createImage(
    {
      imageId: 'bench',
      image: {
        digest: `sha256:${'0'.repeat(64)}`,
        format: 'IMAGE_FORMAT_QCOW2',
        sizeBytes: 1,
        virtualSizeMib: 1,
        source: 'file:///nowhere',
      },
    },
    callback,
  ),
);
await done((callback) => agents.join({ hostId: 'bench', site: 'sites/bench', machineId }, callback));

const endless = 2 ** 31 - 1;
const codec = messageCodec<LinkRequest, LinkRequest__Output>('secovia.v1.LinkRequest');
const link = rawHttp2Stream(Number(process.argv[2]), '/secovia.v1.AgentService/Link');
const say = (message: LinkRequest) => link.write(codec.serialize(message));
link.onFirstMessage(() => process.stdout.write('ready\n'));
say({
  hello: {
    host: 'hosts/bench',
    machineId,
    bootId: 'bench',
    instance: 'bench',
    protocolVersion: 1,
    inventory: {
      architecture: 'x86_64',
      total: { vcpus: endless, memoryMib: endless, diskMib: endless, vms: endless },
    },
    report: { libvirtAvailable: true },
  },
});
let lease = 0;
setInterval(() => say({ leaseRequest: { id: ++lease } }), 3000);
