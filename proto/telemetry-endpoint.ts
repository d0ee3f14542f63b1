/**
 * The HTTP endpoint of a daemon for those who watch over it: `/metrics` in Prometheus' text format, `/healthz` while the
 * process answers at all, and `/readyz` while it does its work. It has no TLS and asks nobody who they are, so what it
 * shows are numbers and states, and no names but ids of the federation's own.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { endpointOf } from './loopback.js';

export interface Telemetry {
  /** In Prometheus' text format. */
  metrics(): Promise<string>;
  readonly contentType: string;
  /** Why it does not do its work, in sentences; empty when it does. */
  unready(): string[];
}

const mostConnections = 32;
const requestMs = 5000;

export interface TelemetryEndpoint {
  readonly port: number;
  close(): void;
}

/** @throws Error when the address cannot be listened on. */
export async function serveTelemetry(address: string, telemetry: Telemetry): Promise<TelemetryEndpoint> {
  const server = createServer((request, response) => void answer(request, response, telemetry));
  server.maxConnections = mostConnections;
  server.requestTimeout = requestMs;
  server.headersTimeout = requestMs;
  server.keepAliveTimeout = requestMs;
  const { host, port } = endpointOf(address);
  await listen(server, host, port);
  // A daemon that cannot start ends, whoever asks it how it is.
  server.unref();
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Several who ask at once are told the same. */
const scrapes = new WeakMap<Telemetry, Promise<string>>();

function scrape(telemetry: Telemetry): Promise<string> {
  const under = scrapes.get(telemetry);
  if (under !== undefined) return under;
  const text = telemetry.metrics().finally(() => scrapes.delete(telemetry));
  scrapes.set(telemetry, text);
  return text;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  telemetry: Telemetry,
): Promise<void> {
  const say = (status: number, text: string, type = 'text/plain; charset=utf-8') => {
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
    response.end(request.method === 'HEAD' ? undefined : text);
  };
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return say(405, 'only GET and HEAD\n');
  }
  const [path] = (request.url ?? '').split('?', 1);
  switch (path) {
    case '/healthz':
      return say(200, 'ok\n');
    case '/readyz': {
      const reasons = telemetry.unready();
      return reasons.length === 0
        ? say(200, 'ready\n')
        : say(503, reasons.map((reason) => `${reason}\n`).join(''));
    }
    case '/metrics':
      try {
        return say(200, await scrape(telemetry), telemetry.contentType);
      } catch (error) {
        return say(500, `${(error as Error).message}\n`);
      }
    default:
      return say(404, 'there are /metrics, /healthz and /readyz\n');
  }
}
