/**
 * The agent's end of its local socket: each line that asks for the status is answered with one line. The socket is
 * for root, and a second agent that shares the folder is refused instead of taking the socket away.
 */
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server } from 'node:net';
import { dirname } from 'node:path';
import { FolderInUse } from '../state/lock.js';
import type { AgentStatus } from './snapshot.js';

const longestRequest = 1_024;
const idleMs = 5_000;
const maxConnections = 32;

/** @throws FolderInUse when somebody already listens there. */
export async function serveStatus(path: string, status: () => AgentStatus): Promise<Server> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  if (await isListening(path)) {
    throw new FolderInUse(
      `another secovia-agent is listening on ${path}: stop it first, or choose another runDir`,
    );
  }
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    let received = '';
    socket.setEncoding('utf8');
    socket.setTimeout(idleMs, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('data', (text: string) => {
      received += text;
      if (received.length > longestRequest) {
        socket.destroy();
        return;
      }
      const end = received.indexOf('\n');
      if (end === -1) return;
      const request = received.slice(0, end);
      socket.end(
        request === '{"request":"status"}' ? `${JSON.stringify(status())}\n` : '{"error":"unknown"}\n',
      );
    });
  });
  server.maxConnections = maxConnections;
  const previousMask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
  } finally {
    process.umask(previousMask);
  }
  chmodSync(path, 0o600);
  return server;
}

/** A socket file may be left over; one that takes connections is somebody's, even if that somebody is frozen. */
function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
