/**
 * A host of almost endless room, in a process of its own: it joins, says hello, asks for leases, and takes in what it
 * should hold without running or even decoding it. So the scheduler does all that it does for a real host, and the
 * host, which would be another machine, takes as little of this one as it can. `sink-host.js PORT [IDENTITY]`, with the
 * administrator's folder of credentials where there is TLS.
 */
import type * as grpc from '@grpc/grpc-js';
import type { LinkRequest, LinkRequest__Output } from '../../proto/gen/secovia/v1/LinkRequest.js';
import { messageCodec, v1 } from '../../proto/index.js';
import { type Credentials, secureChannel } from '../../proto/credentials.js';
import { newKey } from '../../proto/signing-request.js';
import { channelOf, credentialsIn, socketTo } from './access.js';
import { rawHttp2Stream } from './raw-http2-stream.js';

const address = `127.0.0.1:${process.argv[2]}`;
const admin = credentialsIn(process.argv[3] ?? null);
const { credentials, options } = channelOf(admin);
const machineId = '0'.repeat(32);

const sites = new v1.SiteService(address, credentials, options);
const administrations = new v1.AdministrationService(address, credentials, options);
const images = new v1.ImageService(address, credentials, options);

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

/** Joins as a real host does, and gives its credentials; null without TLS. */
async function join(): Promise<Credentials | null> {
  const host = { hostId: 'bench', site: 'sites/bench', machineId };
  if (admin === null) {
    const agents = new v1.AgentService(address, credentials, options);
    await done((callback) => agents.join(host, callback));
    return null;
  }
  const tokens = new v1.JoinTokenService(address, credentials, options);
  const { keyPem, signingRequest } = await newKey();
  const token = await new Promise<string>((resolve, reject) => {
    tokens.createJoinToken({ site: host.site }, (error, made) =>
      error ? reject(error) : resolve(made?.token ?? ''),
    );
  });
  // Whoever joins has no certificate yet.
  const { authority, federation } = admin;
  const stranger = secureChannel({ authority, federation });
  const agents = new v1.AgentService(address, stranger.credentials, stranger.options);
  const chain = await new Promise<string>((resolve, reject) => {
    agents.join({ ...host, token, signingRequest }, (error, joined) =>
      error ? reject(error) : resolve(joined?.certificateChain ?? ''),
    );
  });
  return { ...admin, chain, key: keyPem };
}

const own = await join();

const endless = 2 ** 31 - 1;
const codec = messageCodec<LinkRequest, LinkRequest__Output>('secovia.v1.LinkRequest');
const port = Number(process.argv[2]);
const link = rawHttp2Stream(await socketTo(port, own), port, '/secovia.v1.AgentService/Link');
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
