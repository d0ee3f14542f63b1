/** Management controllers for tests: scripts that speak as fence-agents do, and behave as badly as they are told to. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { FenceMethod } from '../../agent/fencing/method.js';

const readOptions = '#!/bin/bash\ndeclare -A o\nwhile IFS== read -r k v; do o[$k]=$v; done\n';

/** It notes each call with its arguments and its environment, as far as a list of processes would show them. */
const fenceAgent = `${readOptions}
echo "\${o[action]} arguments:[$*] password:[\${o[password]}]" >>"\${o[log]}"
tr '\\0' ' ' </proc/$$/cmdline >>"\${o[log]}.visible"
tr '\\0' ' ' </proc/$$/environ >>"\${o[log]}.visible"
case \${o[mode]}/\${o[action]} in
  hangs/off) sleep 300 & echo $! >>"\${o[log]}.left"; wait ;;
  lies/off) exit 0 ;;
  confused/status) echo 'Failed: Unrecognised action' >&2; exit 2 ;;
  fails/*) echo "Failed: Unable to connect to \${o[ip]} with \${o[password]}" >&2; exit 1 ;;
  */off) echo off >"\${o[state]}" ;;
  */status) if [ "$(cat "\${o[state]}")" = off ]; then echo 'Status: OFF'; exit 2; fi; echo 'Status: ON' ;;
esac
`;
const guidProgram = `${readOptions}echo "\${o[guid]}"\n`;

export const guid = '0123456789abcdef0123456789abcdef';

export class FenceFixtures {
  readonly folder = mkdtempSync(join(tmpdir(), 'secovia-fence-'));
  #serial = 0;

  constructor() {
    this.write('fence_fake', fenceAgent, 0o755);
    this.write('print_guid', guidProgram, 0o755);
    process.env['PATH'] = `${this.folder}${delimiter}${process.env['PATH'] ?? ''}`;
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true });
  }

  write(name: string, text: string, mode = 0o600): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8');
  }

  /** A way to fence a host that is on, and the calls that were made of it. */
  method(
    mode: string,
    change: Partial<FenceMethod> = {},
  ): { method: FenceMethod; calls(): string[]; name: string } {
    const name = `${mode}-${++this.#serial}`;
    const log = this.write(`${name}.log`, '');
    const state = this.write(`${name}.state`, 'on\n');
    const method = {
      program: 'fence_fake',
      options: { mode, log, state, guid, ip: 'bmc-7.example' },
      passwordFile: this.write(`${name}.password`, 'sesame\n'),
      guidCommand: ['print_guid'],
      timeoutSeconds: 2,
      ...change,
    };
    return { method, name, calls: () => this.read(`${name}.log`).split('\n').filter(Boolean) };
  }
}
