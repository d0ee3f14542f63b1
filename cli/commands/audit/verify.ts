/** `secovia audit verify`: whether an export is genuine and whole, without a connection to anybody. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Witness } from '../../audit/witnesses.js';
import { defineCommand, option, repeated } from '../../command.js';
import { exitCodes, Failure, usageFailure } from '../../failure.js';

interface Options {
  key: string;
  checkpoint?: string[];
}

export const auditVerify = defineCommand<Options>({
  usage: 'audit verify <file>',
  summary: 'Verify an export of the audit, with nothing but the public key',
  description:
    'Says what is wrong and at which decision: content that was altered, decisions that were cut out, left out or put in\n' +
    'another order, signatures that are not of this key. It needs no scheduler. - as file is standard input.\n' +
    'With --checkpoint it is compared with what an agent has kept: what secovia-agent status --json says on a host. A log\n' +
    'that was written anew, even by whoever has the key, does not contain it.\n' +
    'Exit status: 0 it holds, 1 it does not.',
  examples: [
    'secovia audit verify audit.jsonl --key audit.pem',
    'secovia audit verify croatia.jsonl --key audit.pem --checkpoint zagreb-1.json --checkpoint zagreb-2.json',
    'secovia audit export | secovia audit verify - --key audit.pem',
  ],
  options: [
    option('--key <path>', 'the public key, as secovia audit key shows it').makeOptionMandatory(),
    repeated('--checkpoint <path>', 'a checkpoint that an agent has kept, may be repeated', (path) => path),
  ],
  formats: ['table', 'json'],
  async run(context, [file = ''], { key: keyPath, checkpoint = [] }) {
    const key = keyIn(await contentOf(keyPath), keyPath);
    const witnesses = await Promise.all(checkpoint.map((path) => witnessOf(path, key)));
    const { verifyExport } = await import('../../audit/verify.js');
    const { verdictText } = await import('../../views/verdict.js');
    const pieces: AsyncIterable<Uint8Array> = file === '-' ? context.world.stdin : createReadStream(file);
    const verdict = await verifyExport(pieces, key, witnesses).catch((error: NodeJS.ErrnoException) => {
      if (error.code === undefined) throw error;
      throw usageFailure(`cannot read ${file}: ${error.message}.`);
    });
    const holds = verdict.faults.length === 0;
    if (context.format === 'json') await context.writeJson({ holds, ...verdict });
    else if (holds) await context.out.write(verdictText(verdict));
    if (holds) return;
    const [first, ...rest] = verdict.faults.map(({ message }) => `${message}.`);
    throw new Failure(
      `${file === '-' ? 'the file' : file} does not hold: ${first}`,
      exitCodes.unexpected,
      rest,
    );
  },
});

async function contentOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw usageFailure(`cannot read ${path}: ${(error as Error).message}.`);
  }
}

function keyIn(pem: string, path: string): KeyObject {
  try {
    // A private key would do, and has no place here.
    if (pem.includes('PRIVATE KEY')) throw usageFailure(`${path} is a private key; give the public one.`);
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch (error) {
    if (error instanceof Failure) throw error;
  }
  throw usageFailure(`${path} is no public key of an audit: get one with secovia audit key.`);
}

async function witnessOf(path: string, key: KeyObject): Promise<Witness> {
  const { isSigned, witnessIn } = await import('../../audit/witnesses.js');
  const found = witnessIn(await contentOf(path), path);
  if (found === null) {
    throw usageFailure(`${path} has no checkpoint: write it with secovia-agent status --json.`);
  }
  if (!isSigned(found.witness, found.signature, key)) {
    throw new Failure(
      `the checkpoint in ${path} is not signed with this key: it proves nothing.`,
      exitCodes.unexpected,
    );
  }
  return found.witness;
}
