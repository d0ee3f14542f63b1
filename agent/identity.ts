/** Which machine this is, and which of its lives: what the scheduler tells hosts, reboots and clones apart by. */
import { ConfigError } from './config.js';
import { readLine } from './read-line.js';

const machineIdFiles = ['/etc/machine-id', '/var/lib/dbus/machine-id'];

/** @throws ConfigError on a machine that has none. */
export function readMachineId(): string {
  for (const file of machineIdFiles) {
    const id = readLine(file);
    if (/^[0-9a-f]{32}$/.test(id)) return id;
  }
  throw new ConfigError('this machine has no /etc/machine-id: run systemd-machine-id-setup');
}

/** Changes with every boot. */
export function readBootId(): string {
  const id = readLine('/proc/sys/kernel/random/boot_id');
  if (id === '') throw new ConfigError('the kernel gives no boot id: the agent runs on Linux only');
  return id;
}
