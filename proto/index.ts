/**
 * The contract, loaded: every service and message of `secovia.v1`, and the google.rpc error details that go with
 * a failed call. Scheduler, agent and CLI all get their stubs from here, so the loader's options are in one place
 * and agree with those that generated the types under `gen/`.
 */
import * as grpc from '@grpc/grpc-js';
import * as protoLoader from '@grpc/proto-loader';
import { readContract } from './contract.js';
import type { ProtoGrpcType as AdministrationGrpc } from './gen/administration.js';
import type { ProtoGrpcType as AgentGrpc } from './gen/agent.js';
import type { ProtoGrpcType as AgreementGrpc } from './gen/agreement.js';
import type { ProtoGrpcType as AlarmGrpc } from './gen/alarm.js';
import type { ProtoGrpcType as AuditGrpc } from './gen/audit.js';
import type { ProtoGrpcType as ErrorDetailsGrpc } from './gen/error_details.js';
import type { ProtoGrpcType as EventGrpc } from './gen/event.js';
import type { ProtoGrpcType as FederationGrpc } from './gen/federation.js';
import type { ProtoGrpcType as IdentityGrpc } from './gen/identity.js';
import type { ProtoGrpcType as ImageGrpc } from './gen/image.js';
import type { ProtoGrpcType as JoinTokenGrpc } from './gen/join_token.js';
import type { ProtoGrpcType as OperationGrpc } from './gen/operation.js';
import type { ProtoGrpcType as PartnerGrpc } from './gen/partner.js';
import type { ProtoGrpcType as PlacementGrpc } from './gen/placement.js';
import type { ProtoGrpcType as QuotaGrpc } from './gen/quota.js';
import type { ProtoGrpcType as ResidencyGrpc } from './gen/residency.js';
import type { ProtoGrpcType as SiteGrpc } from './gen/site.js';
import type { ProtoGrpcType as StatusGrpc } from './gen/status.js';
import type { ProtoGrpcType as StoragePoolGrpc } from './gen/storage_pool.js';
import type { ProtoGrpcType as UsageGrpc } from './gen/usage.js';

/** Must match the flags of `build:proto` in package.json. Longs fit a double: sequences stay below 2^53. */
const loaderOptions: protoLoader.Options = {
  keepCase: false,
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
};

export const packageDefinition: protoLoader.PackageDefinition = protoLoader.fromJSON(
  readContract(),
  loaderOptions,
);

type V1 = SiteGrpc['secovia']['v1'] &
  AgentGrpc['secovia']['v1'] &
  AdministrationGrpc['secovia']['v1'] &
  AgreementGrpc['secovia']['v1'] &
  AlarmGrpc['secovia']['v1'] &
  AuditGrpc['secovia']['v1'] &
  EventGrpc['secovia']['v1'] &
  IdentityGrpc['secovia']['v1'] &
  JoinTokenGrpc['secovia']['v1'] &
  PartnerGrpc['secovia']['v1'] &
  QuotaGrpc['secovia']['v1'] &
  ResidencyGrpc['secovia']['v1'] &
  ImageGrpc['secovia']['v1'] &
  StoragePoolGrpc['secovia']['v1'] &
  OperationGrpc['secovia']['v1'] &
  PlacementGrpc['secovia']['v1'] &
  FederationGrpc['secovia']['v1'] &
  UsageGrpc['secovia']['v1'];
type Rpc = StatusGrpc['google']['rpc'] & ErrorDetailsGrpc['google']['rpc'];

const root = grpc.loadPackageDefinition(packageDefinition) as unknown as {
  secovia: { v1: V1 };
  google: { rpc: Rpc };
};

/** Service clients and message types of secovia.v1. */
export const v1 = root.secovia.v1;

/** What grpc-js knows of a message: how to turn it into bytes and back. */
export interface MessageCodec<In, Out> {
  serialize(value: In): Buffer;
  deserialize(bytes: Buffer): Out;
}

/**
 * The codec of a message by its full name, e.g. `secovia.v1.Vm`.
 *
 * @throws TypeError when the contract has no such message.
 */
export function messageCodec<In extends object, Out>(fullName: string): MessageCodec<In, Out> {
  const definition = packageDefinition[fullName];
  if (definition === undefined || !('type' in definition)) throw new TypeError(`no message ${fullName}`);
  const message = definition as unknown as protoLoader.MessageTypeDefinition<In, Out>;
  return { serialize: message.serialize as (value: In) => Buffer, deserialize: message.deserialize };
}
