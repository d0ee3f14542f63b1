/** `secovia quota verify`: whether what is counted as used is what the VMs hold. */
import type { VerifyQuotasResponse__Output } from '../../../proto/gen/secovia/v1/VerifyQuotasResponse.js';
import { defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { exitCodes, Failure } from '../../failure.js';
import { harmless } from '../../output/harmless.js';
import { present } from '../../output/present.js';
import { Table } from '../../output/table.js';
import { quotaWords } from '../../values/scopes.js';
import { differenceColumns } from '../../views/quota.js';

export const quotaVerify = defineCommand({
  usage: 'quota verify',
  summary: 'Add everything up again from the VMs, and compare',
  description:
    'Also names the quotas under which more is used than they allow, as after a limit was lowered. The exit code is 1 ' +
    'when a sum differs, which never should be.',
  examples: ['secovia quota verify'],
  async run(context) {
    const connection = await context.connection();
    const response = await connection.call('QuotaService', 'VerifyQuotas', {});
    const { differences } = response;
    await present(context, {
      service: 'QuotaService',
      method: 'VerifyQuotas',
      response,
      names: differences.map(({ name }) => name),
      text: () => verdict(context, response),
    });
    if (differences.length === 0) return;
    const message = `${differences.length} sums are not what the VMs hold: please report it.`;
    throw new Failure(message, exitCodes.unexpected);
  },
});

async function verdict(
  context: Context,
  { vms, sums, differences, exceeded }: VerifyQuotasResponse__Output,
): Promise<string> {
  const table =
    differences.length === 0 ? '' : await new Table(differenceColumns, context.paint).page(differences);
  const above = exceeded.map((name) => `more is used than allowed: ${harmless(wordsOf(name))}\n`).join('');
  const sentence = differences.length === 0 ? ', and every sum is right' : '';
  return `${table}${above}looked at ${vms} VMs and ${sums} sums${sentence}\n`;
}

/** `osijek in HR`; another name stays as it is. */
function wordsOf(name: string): string {
  const words = quotaWords(name);
  return words === undefined ? name : `${words.administration} ${words.where}`;
}
