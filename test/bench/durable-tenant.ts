/**
 * The administration whose VMs are made when all that protects administrations from one another is on: three levels of
 * a tree with limits on each, for everywhere, for the country and for the site, rules of residency, and a caller that may
 * make VMs of this tree and do nothing else. The limits are never reached, and are counted for each VM.
 */
import type * as grpc from '@grpc/grpc-js';
import { v1 } from '../../proto/index.js';
import { writeCredentials } from '../../proto/credentials.js';
import { newKey } from '../../proto/signing-request.js';
import { channelOf, credentialsIn } from './access.js';
import { type Caller, parent as root } from './bench-scheduler.js';

const region = 'administrations/region';
const town = 'administrations/town';
const enough = 1e12;

/** Makes all of it by the administrator's word. `folder` becomes the caller's credentials. */
export async function admitTenant(port: number, admin: string | null, folder: string): Promise<Caller> {
  const { credentials, options } = channelOf(credentialsIn(admin));
  const client = <C>(Service: new (...args: [string, grpc.ChannelCredentials, grpc.ChannelOptions]) => C) =>
    new Service(`127.0.0.1:${port}`, credentials, options);
  const administrations = client(v1.AdministrationService);
  const quotas = client(v1.QuotaService);
  const residency = client(v1.ResidencyService);
  const identities = client(v1.IdentityService);

  for (const [name, above] of [
    [region, root],
    [town, region],
  ] as const) {
    const administration = { title: name, country: 'HR', parent: above };
    const administrationId = name.slice('administrations/'.length);
    await done<unknown>((callback) =>
      administrations.createAdministration({ administrationId, administration }, callback),
    );
  }
  const limit = { vcpus: enough, memoryMib: enough, diskMib: enough, vms: enough };
  for (const parent of [root, region, town]) {
    for (const scope of [{}, { country: 'HR' }, { site: 'sites/bench' }])
      await done<unknown>((callback) => quotas.setQuota({ parent, scope, limit }, callback));
  }
  // A VM that says nothing of its data has internal ones.
  const rules = {
    'bench-allowed': { dataClass: 'dataClasses/internal', allowed: { countries: ['HR', 'SI', 'AT'] } },
    'bench-forbidden': {
      dataClass: 'dataClasses/internal',
      administration: region,
      forbidden: { countries: ['US'] },
    },
    'bench-personal': { dataClass: 'dataClasses/personal', allowed: { countries: ['HR'] } },
  };
  for (const [residencyRuleId, rule] of Object.entries(rules)) {
    const residencyRule = { ...rule, legalBasis: 'an article' };
    await done<unknown>((callback) =>
      residency.createResidencyRule({ residencyRuleId, residencyRule }, callback),
    );
  }
  const identity = { role: 'ROLE_ADMINISTRATION_USER', administration: root } as const;
  await done<unknown>((callback) =>
    identities.createIdentity({ identityId: 'bench-user', identity }, callback),
  );
  const { keyPem, signingRequest } = await newKey();
  const issued = await done<{ certificateChain: string; authority: string }>((callback) =>
    identities.issueCertificate({ name: 'identities/bench-user', signingRequest }, callback),
  );
  writeCredentials(folder, { authority: issued.authority, chain: issued.certificateChain, key: keyPem });
  for (const service of [administrations, quotas, residency, identities]) service.close();
  return { identity: folder, parent: town };
}

function done<R>(call: (callback: (error: grpc.ServiceError | null, reply?: R) => void) => void): Promise<R> {
  return new Promise((resolve, reject) =>
    call((error, reply) => (error || reply === undefined ? reject(error) : resolve(reply))),
  );
}
