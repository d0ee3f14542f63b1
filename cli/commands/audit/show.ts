/** `secovia audit show`. */
import { defineCommand } from '../../command.js';
import { exitCodes, Failure, usageFailure } from '../../failure.js';
import { present } from '../../output/present.js';
import { auditSheet } from '../../views/audit.js';

export const auditShow = defineCommand({
  usage: 'audit show <sequence>',
  summary: 'Show a decision: by whom, what it changed, how that was before, and why',
  examples: ['secovia audit show 1284'],
  async run(context, [sequence = '']) {
    if (!/^[1-9]\d{0,15}$/.test(sequence)) {
      throw usageFailure(`"${sequence}" is no sequence: write the number that secovia audit list shows.`);
    }
    const connection = await context.connection();
    const response = await connection.call('AuditService', 'ListAuditEntries', {
      filter: `sequence = ${sequence}`,
      pageSize: 1,
    });
    const [entry] = response.entries;
    if (entry === undefined) {
      throw new Failure(`there is no decision ${sequence} that you may see.`, exitCodes.notFound);
    }
    await present(context, {
      service: 'AuditService',
      method: 'ListAuditEntries',
      response,
      names: [String(entry.sequence)],
      text: () => auditSheet(entry, context.nowMs, context.paint),
    });
  },
});
