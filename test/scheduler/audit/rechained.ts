/** An export as a forger without the key would leave it: something altered, and all hashes after it made anew. */
import { randomBytes } from 'node:crypto';
import { commitmentOf, rowHash } from '../../../cli/audit/hashes.js';

export function rechained(lines: readonly string[], sequence: number): string[] {
  let before: Buffer = Buffer.alloc(32);
  let altered = false;
  const forged = lines.map((line) => JSON.parse(line));
  for (const [index, line] of forged.entries()) {
    if (line.row === undefined) continue;
    const commitments = Buffer.from(line.commitments, 'base64');
    if (line.row <= sequence && sequence <= line.last) {
      const at = forged.findIndex((other, place) => place > index && other.line === sequence);
      const salt = randomBytes(16).toString('base64');
      const text = forged[at].text.replace('alpha', 'gamma');
      forged[at] = { line: sequence, salt, text };
      commitments.set(commitmentOf(salt, text), (sequence - line.row) * 32);
      altered = true;
    }
    if (altered) {
      const hash = rowHash(before, line.row, line.last, line.at, commitments);
      forged[index] = { ...line, hash: hash.toString('base64'), commitments: commitments.toString('base64') };
    }
    before = Buffer.from(forged[index].hash, 'base64');
  }
  return forged.map((line) => JSON.stringify(line));
}
