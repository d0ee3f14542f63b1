/** The status of an agent that has nothing yet. */
import type { AgentStatus } from '../../agent/status/snapshot.js';

export function emptyStatus(change: Partial<AgentStatus> = {}): AgentStatus {
  const none = { vcpus: 0, memoryMib: 0, diskMib: 0 };
  return {
    health: 'healthy',
    reasons: [],
    host: 'h1',
    site: 's1',
    federation: 'test',
    version: '0',
    pid: 1,
    upMs: 0,
    link: {
      state: 'idle',
      scheduler: '127.0.0.1:1',
      forMs: 0,
      reason: '',
      epoch: '',
      lastLeaseAgoMs: null,
      leaseEndsInMs: null,
      waitingMessages: 0,
    },
    certificate: null,
    libvirt: { available: false, uri: 'test:///', version: '', connectedForMs: null, error: 'no socket' },
    checkpoint: null,
    watchdog: null,
    fencing: { controllerGuid: '', controllerProblem: '', targets: [], underWay: [], last: null },
    capacity: { total: none, reserved: none, claimed: none, used: { memoryMib: 0, cpuPercent: 0 } },
    guests: [],
    foreignDomains: 0,
    orphans: [],
    images: [],
    lastErrors: [],
    ...change,
  };
}
