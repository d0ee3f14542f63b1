/** The gRPC server: every service of the contract, reflection, and the standard health service. */
import * as grpc from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { v1 } from '../../proto/index.js';
import type { WatchRing } from './watch-ring.js';
import { type AuditOptions, auditService } from './audit-service.js';
import { type AlarmOptions, alarmService } from './alarm-service.js';
import { agreementService } from './agreement-service.js';
import { administrationService } from './administration-service.js';
import { observed } from './call-observer.js';
import { type EventOptions, eventService } from './event-service.js';
import { federationService } from './federation-service.js';
import { type Check, guardedServer } from './guarded-server.js';
import { type HostLink, hostService } from './host-service.js';
import { identityService } from './identity-service.js';
import { joinTokenService } from './join-token-service.js';
import { imageService } from './image-service.js';
import { refuse } from '../core/refusal.js';
import { largestMessageBytes } from './limits.js';
import { type CallContext, rawDefinition } from './methods.js';
import { operationService } from './operation-service.js';
import { partnerService } from './partner-service.js';
import { placementService } from './placement-service.js';
import { quotaService } from './quota-service.js';
import { reflectionService } from './reflection.js';
import { residencyService } from './residency-service.js';
import { siteService } from './site-service.js';
import { storagePoolService } from './storage-pool-service.js';
import { type UsageReader, usageService } from './usage-service.js';
import { vmService } from './vm-service.js';
import { watchVms } from './vm-watch.js';

type Method = grpc.MethodDefinition<unknown, unknown>;
/** A handler that still has to be told its method and the context. */
type HandlerMaker = (method: Method, context: CallContext) => grpc.UntypedHandleCall;

/** Calls under way on one connection; more wait at the other end. */
const mostStreams = 1000;

const noService = refuse('not_found', 'NO_SUCH_SERVICE', 'this server has no service of that name');

export interface ServerOptions {
  context: CallContext;
  ring: WatchRing;
  fleet: HostLink;
  version: string;
  startMs: number;
  usage: UsageReader;
  /** HOST:PORT at which hosts reach this scheduler. */
  advertise: readonly string[];
  audit: AuditOptions;
  alarms: AlarmOptions;
  events: EventOptions;
  /** AgentService, which `fleet/` implements. */
  agentService: Record<string, HandlerMaker>;
}

export interface ApiServer {
  server: grpc.Server;
  /** Health says SERVING from now on. */
  serving(): void;
  notServing(): void;
}

export function apiServer(options: ServerOptions): ApiServer {
  const { context, ring, fleet, version, startMs } = options;
  const server = new grpc.Server({
    'grpc.max_receive_message_length': largestMessageBytes,
    'grpc.max_send_message_length': largestMessageBytes * 4,
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.max_concurrent_streams': mostStreams,
    // Thousands of agents: channelz would keep records of every stream and call.
    'grpc.enable_channelz': 0,
  });
  const names = [''];
  const add = (definition: grpc.ServiceDefinition, makers: object) => {
    const [first] = Object.values(definition);
    names.push(first?.path.split('/')[1] ?? '');
    const raw: Record<string, Method> = {};
    const handlers: Record<string, grpc.UntypedHandleCall> = {};
    for (const [name, method] of Object.entries(definition)) {
      const maker = (makers as Record<string, HandlerMaker>)[name];
      if (maker === undefined) throw new Error(`${method.path} has no handler`);
      raw[name] = rawDefinition(method as Method);
      const handler = maker(method as Method, context);
      const { observer } = context;
      handlers[name] = observer === undefined ? handler : observed(method as Method, handler, observer);
    }
    server.addService(raw, handlers);
  };
  add(v1.SiteService.service, siteService);
  add(v1.HostService.service, hostService(fleet));
  add(v1.AdministrationService.service, administrationService);
  add(v1.PartnerService.service, partnerService);
  add(v1.QuotaService.service, quotaService);
  add(v1.ResidencyService.service, residencyService);
  add(v1.AgreementService.service, agreementService);
  add(v1.IdentityService.service, identityService);
  add(v1.ImageService.service, imageService);
  add(v1.StoragePoolService.service, storagePoolService);
  add(v1.OperationService.service, operationService);
  add(v1.FederationService.service, federationService(version, startMs));
  add(v1.VmService.service, { ...vmService, WatchVms: watchVms(ring) });
  add(v1.PlacementService.service, placementService);
  add(v1.UsageService.service, usageService(options.usage));
  add(v1.AuditService.service, auditService(options.audit));
  add(v1.AlarmService.service, alarmService(options.alarms));
  add(v1.EventService.service, eventService(options.events));
  add(v1.AgentService.service, options.agentService);
  add(v1.JoinTokenService.service, joinTokenService(options.advertise));
  reflectionService().addToServer(guardedServer(server, context));
  const health = new HealthImplementation({ '': 'NOT_SERVING' });
  // What is not there now never will be, and to keep its name for whoever watches it would fill the memory.
  const isThere: Check = (request) =>
    'service' in request && !names.includes(String(request.service)) ? noService : null;
  health.addToServer(guardedServer(server, context, isThere));
  const setAll = (status: 'SERVING' | 'NOT_SERVING') => {
    for (const name of names) health.setStatus(name, status);
  };
  return { server, serving: () => setAll('SERVING'), notServing: () => setAll('NOT_SERVING') };
}
