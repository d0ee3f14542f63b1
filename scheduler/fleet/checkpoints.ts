/**
 * Signed checkpoints (PROTOCOL E2): where the journal stands, in words that the scheduler cannot take back. Agents
 * keep the newest, and show it when they return; a journal that does not contain it has lost or changed its past.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, hash, sign, verify } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { replaceFile } from '../../proto/durable-folder.js';
import type { Checkpoint } from '../../proto/gen/secovia/v1/Checkpoint.js';
import type { Checkpoint__Output } from '../../proto/gen/secovia/v1/Checkpoint.js';
import type { Engine } from '../engine.js';
import type { JournalHead, SignedCheckpoint, Store } from '../store/store.js';

/** A signature costs 50 µs; agents may share one that is this old. */
const sharedForMs = 1000;

/** The federation's key, as far as anybody has to see it. */
export interface CheckpointKey {
  /** SPKI, DER. */
  readonly publicKey: Buffer;
  sign(text: Buffer): Buffer;
  verify(text: Buffer, signature: Buffer): boolean;
}

/** The Ed25519 key in a file, which is made at the first start. */
export function checkpointKeyIn(keyFile: string): CheckpointKey {
  if (!existsSync(keyFile)) {
    const { privateKey } = generateKeyPairSync('ed25519');
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    // On disk before agents have its public half: without it their checkpoints would prove nothing.
    replaceFile(keyFile, String(pem));
  }
  const privateKey = createPrivateKey(readFileSync(keyFile));
  const publicKey = createPublicKey(privateKey);
  return {
    publicKey: publicKey.export({ type: 'spki', format: 'der' }),
    sign: (text) => sign(null, text, privateKey),
    verify: (text, signature) => verify(null, text, publicKey, signature),
  };
}

const mostContained = 1000;

type CheckpointStore = Pick<Store, 'hashAt' | 'archivedIncarnationAt' | 'keepCheckpoint'>;

export class Checkpoints {
  readonly #engine: Engine;
  readonly #store: CheckpointStore;
  readonly #key: CheckpointKey;
  /** Texts of checkpoints that the journal has been seen to contain: it goes on containing them. */
  readonly #contained = new Set<string>();
  #keptSequence = 0;
  #newest: { checkpoint: Checkpoint; atMs: number } | null = null;

  constructor(engine: Engine, store: CheckpointStore, key: CheckpointKey) {
    this.#engine = engine;
    this.#store = store;
    this.#key = key;
  }

  /** SPKI, DER. */
  get publicKey(): Buffer {
    return this.#key.publicKey;
  }

  /** SPKI, PEM. */
  get publicKeyPem(): string {
    return createPublicKey({ key: this.publicKey, format: 'der', type: 'spki' })
      .export({ type: 'spki', format: 'pem' })
      .toString();
  }

  /** SHA-256 of the public key, hexadecimal. */
  get fingerprint(): string {
    return hash('sha256', this.publicKey, 'hex');
  }

  /** Signs a point of the journal. */
  sign(head: JournalHead): SignedCheckpoint {
    const { incarnation } = this.#engine.state.federation.epoch;
    const signature = this.#key.sign(signedText(incarnation, head.sequence, head.hash));
    return { ...head, incarnation, signature, atMs: this.#engine.now() };
  }

  /** Signs a text of another kind, which begins with the name of its form. */
  signText(text: string): Buffer {
    return this.#key.sign(Buffer.from(text));
  }

  /** Has the newest point of the journal kept beside it, unless it is kept already. */
  keep(): void {
    const { head } = this.#engine;
    if (head.sequence === this.#keptSequence) return;
    this.#keptSequence = head.sequence;
    this.#store.keepCheckpoint(this.sign(head));
  }

  newest(uptimeMs: number): Checkpoint {
    const { head, state } = this.#engine;
    const before = this.#newest;
    const { incarnation } = state.federation.epoch;
    const fresh = before !== null && uptimeMs - before.atMs < sharedForMs;
    if (fresh && before.checkpoint.incarnation === incarnation) return before.checkpoint;
    const { sequence, hash, signature } = this.sign(head);
    const checkpoint = { incarnation, sequence, hash, signature };
    this.#newest = { checkpoint, atMs: uptimeMs };
    return checkpoint;
  }

  /**
   * Why the journal stands behind a checkpoint that an agent has kept; null when it contains it. One with a wrong
   * signature proves nothing.
   */
  journalBehind(kept: Checkpoint__Output | null): { reason: string; incarnation: number } | null {
    if (kept === null || kept.sequence === 0) return null;
    const hash = Buffer.from(kept.hash);
    const text = signedText(kept.incarnation, kept.sequence, hash);
    const known = text.toString();
    // After an outage thousands come with one and the same.
    if (this.#contained.has(known)) return null;
    if (!this.#key.verify(text, Buffer.from(kept.signature))) return null;
    const { sequence } = this.#engine.head;
    if (this.#store.hashAt(kept.sequence)?.equals(hash)) {
      if (this.#contained.size >= mostContained) this.#contained.clear();
      this.#contained.add(known);
      return null;
    }
    // Of what was archived and taken away it is still known who decided: another copy that went on after a restore has
    // another number there.
    if (this.#store.archivedIncarnationAt(kept.sequence) === kept.incarnation) return null;
    const reason =
      kept.sequence > sequence
        ? `an agent has seen the journal at ${kept.sequence}, and it ends at ${sequence}: it was restored from an older copy`
        : `an agent has seen another journal at ${kept.sequence}: its past was changed, or another copy has led`;
    return { reason, incarnation: kept.incarnation };
  }
}

function signedText(incarnation: number, sequence: number, hash: Buffer): Buffer {
  return Buffer.from(`secovia-checkpoint-v1\n${incarnation}\n${sequence}\n${hash.toString('hex')}\n`);
}
