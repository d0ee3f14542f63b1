/**
 * The ledger on disk: one small file, replaced whole. A write is a new file, fsynced, renamed over the old one, and
 * the folder fsynced, so a crash leaves the old or the new state and nothing in between. A file that is damaged all
 * the same stops the agent: going on without it could start a VM that lives elsewhere by now (PROTOCOL.md O2).
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { LedgerContent } from '../converge/ledger.js';
import { OperatorError } from '../operator-error.js';
import { replaceFile } from '../replace-file.js';

/** The agent must not start. */
export class StateFileError extends OperatorError {
  override readonly name = 'StateFileError';
}

const formatVersion = 1;
const whole = z.number().int();
const text = z.string();

const epoch = z.object({ incarnation: whole, counter: whole, instance: text });
const checkpoint = z.object({ incarnation: whole, sequence: whole, hashHex: text, signatureBase64: text });
const desired = z.object({
  uid: text,
  role: z.enum(['run', 'stopped', 'send', 'receive', 'released', 'deleted']),
  generation: whole,
  term: whole,
  vmName: text,
  size: z.object({ vcpus: whole, memoryMib: whole, diskMib: whole }).nullable(),
  hardware: z
    .object({
      extras: z.record(text, whole),
      hugepageKib: whole,
      cells: z.array(whole),
      dedicatedCpus: z.boolean(),
    })
    .optional(),
  image: z
    .object({
      name: text,
      sha256: text,
      format: z.enum(['qcow2', 'raw']),
      sizeBytes: whole,
      virtualSizeMib: whole,
      source: text,
    })
    .nullable(),
  storagePoolPath: text,
  restartsAfterGuestShutdown: z.boolean(),
  // Agents of earlier versions did not write these four.
  restartsElsewhere: z.boolean().default(false),
  stopsOnLeaseLoss: z.boolean().default(false),
  rebuildable: z.boolean().default(false),
  diskExists: z.boolean().default(false),
  rebootCount: whole,
  rebootForced: z.boolean(),
  stopForced: z.boolean(),
  stopGraceMs: whole,
  adopts: z.enum(['domain', 'disk']).optional(),
  peer: text,
  peerUri: text.default(''),
});
const permit = z.object({
  uid: text,
  term: whole,
  phase: z.enum(['permitted', 'preparing', 'defining', 'defined', 'refusing', 'refused', 'gone']),
  desired,
  disk: z.enum(['none', 'made', 'inherited']),
  hadDisk: z.boolean().default(false),
  error: z.object({ code: whole, message: text }).nullable(),
  goneWallMs: z.number().nullable(),
  acknowledged: z.boolean(),
  confirmedBootId: text.default(''),
  handover: z.object({ term: whole, peerUri: text }).nullable().default(null),
  reached: z.object({ generation: whole, rebootCount: whole }).nullable().default(null),
});
const content = z.object({
  epoch: epoch.nullable(),
  checkpoint: checkpoint.nullable(),
  permits: z.array(permit),
});
const envelope = z.object({ format: z.literal('secovia-agent-state'), version: whole, checksum: text });

const checksumOf = (body: string): string => `sha256:${createHash('sha256').update(body).digest('hex')}`;

export class StateFile {
  readonly #folder: string;
  readonly #path: string;

  constructor(dataDir: string) {
    this.#folder = dataDir;
    this.#path = join(dataDir, 'agent-state.json');
  }

  /**
   * Reads the state, or null when there has never been one.
   *
   * @throws StateFileError when it is damaged, of a later version, or lost while volumes are still here.
   */
  async load(beginAnew: boolean): Promise<LedgerContent | null> {
    await mkdir(this.#folder, { recursive: true, mode: 0o711 });
    let bytes: string;
    try {
      bytes = await readFile(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      if (!beginAnew && (await this.#hasVolumes())) {
        throw new StateFileError(
          `${this.#path} is missing, but ${join(this.#folder, 'volumes')} holds disks of VMs: restore the file from a ` +
            'backup, or start once with --begin-anew to learn everything from the scheduler again',
        );
      }
      return null;
    }
    return this.#parse(bytes);
  }

  /** Returns when the content will survive a power loss. */
  async save(state: LedgerContent): Promise<void> {
    const body = JSON.stringify(state);
    const head = { format: 'secovia-agent-state', version: formatVersion, checksum: checksumOf(body) };
    await replaceFile(this.#path, `${JSON.stringify(head)}\n${body}\n`);
  }

  #parse(bytes: string): LedgerContent {
    const [head = '', body = '', end] = bytes.split('\n');
    let meta: z.infer<typeof envelope>;
    try {
      meta = envelope.parse(JSON.parse(head));
    } catch {
      throw this.#damaged('its first line is not readable');
    }
    if (meta.version !== formatVersion) {
      throw new StateFileError(
        `${this.#path} was written by another version of the agent (format ${meta.version}, this one reads ${formatVersion}): install that version`,
      );
    }
    if (end !== '' || checksumOf(body) !== meta.checksum) throw this.#damaged('its checksum is wrong');
    const parsed = content.safeParse(JSON.parse(body));
    if (!parsed.success)
      throw this.#damaged(`it lacks ${parsed.error.issues[0]?.path.join('.') ?? 'fields'}`);
    return parsed.data;
  }

  #damaged(how: string): StateFileError {
    return new StateFileError(
      `${this.#path} is damaged (${how}): restore it from a backup; without it the agent could start VMs that run elsewhere`,
    );
  }

  async #hasVolumes(): Promise<boolean> {
    const files = await readdir(join(this.#folder, 'volumes')).catch(() => []);
    return files.some((file) => file.endsWith('.qcow2'));
  }
}
