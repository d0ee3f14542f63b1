/**
 * Whether guests really run with KVM. An openable /dev/kvm proves nothing: there are machines on which a KVM guest
 * says "running" and never leaves real mode. So a guest of 214 bytes is run as its own firmware: it goes to 64-bit
 * mode with paging, executes a thousand privileged instructions, and ends QEMU through the debug exit device.
 * That takes some 50 ms where KVM works.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** accelerator-probe.S, assembled; it is loaded at 0xf0000. */
const program = Buffer.from(
  '+i5mDwEW0AAPIMBmg8gBDyLAZuoaAA8ACABmuBAAjtiOwI7QvACQAAC/ABAAADHAuQAMAADzq8cFABAAAAMgAADHBQAgAAAD' +
    'MAAAxwUAMAAAgwAAALggAAAADyLguAAQAAAPIti5gAAAwA8yDQABAAAPMA8gwA0AAACADyLA6oUADwAYAEjHxACQAAC56AMA' +
    'AFEPog8g2A8i2Fn/yXXyDwH4sBBmuvQA7vTr/Q8fQAAAAAAAAAAAAP//AAAAms8A//8AAACSzwD//wAAAJqvAB8AsAAPAA==',
  'base64',
);
const firmwareSize = 0x10000;
const resetVector = 0xfff0;
/** ljmp $0xf000,$0 */
const jumpToStart = [0xea, 0x00, 0x00, 0x00, 0xf0];
/** QEMU's debug exit device ends QEMU with twice the written value plus one; the program writes 0x10. */
const workedStatus = 0x21;
/** No answer may only mean that the host is busy, or swaps: it is asked again and given more time. */
const probeLimitsMs = [3_000, 15_000];

/**
 * Whether guests run with KVM. Where there is no tiny guest for the architecture, libvirt's word has to do. Where it is known
 * not to work nobody needs to be patient: there the guest often never ends, at the cost of a CPU.
 */
export async function kvmWorks(emulator: string, architecture: string, isPatient = true): Promise<boolean> {
  const limitsMs = isPatient ? probeLimitsMs : probeLimitsMs.slice(0, 1);
  return architecture !== 'x86_64' || guestRuns(emulator, 'kvm', limitsMs);
}

/** Runs the tiny guest. Where KVM does not work it may never end, so in the end no answer is a no. */
export async function guestRuns(
  emulator: string,
  accelerator: 'kvm' | 'tcg',
  limitsMs: readonly number[] = probeLimitsMs,
  run: typeof exitStatus = exitStatus,
): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'secovia-kvm-'));
  try {
    const firmware = Buffer.alloc(firmwareSize);
    program.copy(firmware);
    Buffer.from(jumpToStart).copy(firmware, resetVector);
    const file = join(folder, 'firmware.bin');
    await writeFile(file, firmware);
    for (const limitMs of limitsMs) {
      const status = await run(emulator, qemuArguments(file, accelerator), limitMs);
      if (status !== null) return status === workedStatus;
    }
    return false;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function qemuArguments(firmware: string, accelerator: string): string[] {
  const machine = ['-machine', 'pc', '-accel', accelerator, '-m', '32', '-nodefaults', '-display', 'none'];
  const exit = ['-no-reboot', '-device', 'isa-debug-exit,iobase=0xf4,iosize=1'];
  return [...machine, ...exit, '-bios', firmware];
}

/** Null when the program was killed, or took too long. */
export function exitStatus(file: string, args: string[], limitMs: number): Promise<number | null> {
  return new Promise((resolve) => {
    const child = execFile(file, args, { timeout: limitMs, killSignal: 'SIGKILL' }, () =>
      resolve(child.exitCode),
    );
  });
}
