/**
 * Asks the running agent, and never waits long: an agent that is gone, frozen or speechless is an answer too. It
 * imports nothing but Node's own socket, so that it starts at once.
 */
import { createConnection } from 'node:net';
import type { AgentStatus } from './snapshot.js';

export type StatusAnswer = { kind: 'status'; status: AgentStatus } | { kind: 'down'; reason: string };

/** Asking, including the start of this program, is over within a second. */
export const statusDeadlineMs = 700;

export function askStatus(path: string, deadlineMs = statusDeadlineMs): Promise<StatusAnswer> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    const timer = setTimeout(() => down('it does not answer: the agent is frozen or overloaded'), deadlineMs);
    const finish = (answer: StatusAnswer) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const down = (reason: string) => finish({ kind: 'down', reason });
    let received = '';
    socket.setEncoding('utf8');
    socket.on('connect', () => socket.write('{"request":"status"}\n'));
    socket.on('data', (text: string) => {
      received += text;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => down(whyNot(path, error)));
    socket.on('end', () => {
      try {
        finish({ kind: 'status', status: JSON.parse(received) as AgentStatus });
      } catch {
        down('its answer cannot be read: agent and command may be of different versions');
      }
    });
  });
}

function whyNot(path: string, error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOENT':
      return `nothing listens on ${path}: the agent is not running, or its runDir is another one`;
    case 'ECONNREFUSED':
      return `the agent that listened on ${path} is gone`;
    case 'EACCES':
      return `${path} is only for root: run this command as root`;
    default:
      return error.message;
  }
}
