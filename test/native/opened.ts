/**
 * What the tests of the addon share: connections that are closed after the test, small domains for libvirt's
 * in-process test driver, and waiting on a condition.
 */
import type { Test } from 'tap';
import { type Connection, type OpenOptions, openConnection } from '../../native/index.js';
import { MuteDaemon } from './mute-daemon.js';

export const TEST_URI = 'test:///default';

export async function openTest(t: Test, options?: OpenOptions): Promise<Connection> {
  const connection = await openConnection(TEST_URI, options);
  t.teardown(() => connection.close());
  return connection;
}

export async function startMuteDaemon(t: Test): Promise<MuteDaemon> {
  const daemon = await MuteDaemon.start();
  t.teardown(() => daemon.stop());
  return daemon;
}

/** A UUID for a small number, the same each time. */
export function uuidOf(number: number): string {
  return `00000000-0000-4000-8000-${number.toString().padStart(12, '0')}`;
}

export function domainXml(name: string, uuid: string): string {
  return [
    `<domain type='test'><name>${name}</name><uuid>${uuid}</uuid>`,
    `<memory unit='KiB'>65536</memory><vcpu current='1'>4</vcpu><os><type>hvm</type></os></domain>`,
  ].join('');
}

/** Waits until the condition holds. Fails when it does not within the deadline. */
export async function until(condition: () => boolean, deadlineMs = 5000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
