/**
 * `secovia-agent join`: makes this host known to a federation, and writes down what it was told. Joining again with
 * the same values gives the same answer, so it is safe to repeat.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { Document, parseDocument } from 'yaml';
import type { JoinResponse__Output } from '../proto/gen/secovia/v1/JoinResponse.js';
import { readErrorDetails } from '../proto/errors.js';
import { v1 } from '../proto/index.js';
import { ConfigError } from './config.js';
import { readMachineId } from './identity.js';
import { OperatorError } from './operator-error.js';

export interface JoinOptions {
  scheduler: string;
  site: string;
  host: string;
  rack: string;
  configFile: string;
}

export class JoinError extends OperatorError {
  override readonly name = 'JoinError';
}

const deadlineMs = 10_000;

/** Joins, writes the configuration, and returns a sentence about it. */
export async function join(options: JoinOptions): Promise<string> {
  const document = readDocument(options.configFile);
  const response = await callJoin(options);
  const { scheduler, site, host, rack } = options;
  const settings = {
    scheduler,
    host,
    site,
    rack,
    federation: response.federation,
    checkpointKey: Buffer.from(response.checkpointKey).toString('base64'),
  };
  for (const [key, value] of Object.entries(settings)) document.set(key, value);
  writeDocument(options.configFile, document);
  return `${host} has joined ${response.federation} at site ${site}; start the agent with: secovia-agent run --config ${options.configFile}`;
}

function callJoin(options: JoinOptions): Promise<JoinResponse__Output> {
  const client = new v1.AgentService(options.scheduler, grpc.credentials.createInsecure());
  const request = {
    hostId: options.host,
    site: `sites/${options.site}`,
    rack: options.rack,
    machineId: readMachineId(),
    requestId: randomUUID(),
  };
  return new Promise((resolve, reject) => {
    client.join(request, { deadline: Date.now() + deadlineMs }, (error, response) => {
      client.close();
      if (error !== null) reject(new JoinError(explain(error, options)));
      else if (response === undefined) reject(new JoinError('the scheduler gave no answer'));
      else resolve(response);
    });
  });
}

function explain(error: grpc.ServiceError, { scheduler, host, site }: JoinOptions): string {
  const violation = readErrorDetails(error).fieldViolations?.[0];
  switch (error.code) {
    case grpc.status.UNAVAILABLE:
    case grpc.status.DEADLINE_EXCEEDED:
      return `no scheduler answers at ${scheduler}: check the address, and that the scheduler is running`;
    case grpc.status.NOT_FOUND:
      return `${error.details}: create the site first, with: secovia site create ${site}`;
    case grpc.status.ALREADY_EXISTS:
    case grpc.status.FAILED_PRECONDITION:
      return `${error.details}: choose another --host than ${host}, or retire the old one first`;
    case grpc.status.INVALID_ARGUMENT:
      return violation === undefined ? error.details : `${violation.field}: ${violation.description}`;
    default:
      return `the scheduler refuses (${grpc.status[error.code] ?? error.code}): ${error.details}`;
  }
}

/** The file as a document, so that its other settings and its comments stay. */
function readDocument(path: string): Document {
  if (!existsSync(path)) return new Document({});
  const document = parseDocument(readFileSync(path, 'utf8'));
  const [error] = document.errors;
  if (error !== undefined) throw new ConfigError(`${path} is not YAML: ${error.message.split('\n')[0]}`);
  return document;
}

function writeDocument(path: string, document: Document): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const temporary = `${path}.new`;
  writeFileSync(temporary, document.toString(), { mode: 0o600 });
  renameSync(temporary, path);
}
