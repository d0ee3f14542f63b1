/** `secovia audit key`. */
import { defineCommand } from '../../command.js';
import { exitCodes, Failure } from '../../failure.js';

export const auditKey = defineCommand({
  usage: 'audit key',
  summary: 'Show the public key that the audit is signed with',
  description:
    'Keep it where the scheduler cannot reach it: with it, and nothing else, secovia audit verify tells whether an export is\n' +
    'genuine. It stays the same for the life of the federation.',
  examples: ['secovia audit key > audit.pem'],
  formats: ['table', 'json'],
  async run(context) {
    const connection = await context.connection();
    const response = await connection.call('AuditService', 'GetAuditKey', {});
    if (response.publicKey === '') {
      throw new Failure('the scheduler gave no key.', exitCodes.unexpected);
    }
    if (context.format === 'json') {
      return context.writeJson((await context.json()).response('AuditService', 'GetAuditKey', response));
    }
    await context.out.write(response.publicKey);
  },
});
