/** `secovia audit export`: the chain as a file that can be verified without the scheduler. */
import { defineCommand, option } from '../../command.js';
import { exitCodes, Failure } from '../../failure.js';
import { resourceName } from '../../values/names.js';
import { ValueError } from '../../values/value-error.js';

interface Options {
  partner?: string;
  from?: number;
  to?: number;
}

export const auditExport = defineCommand<Options>({
  usage: 'audit export',
  summary: 'Write the chain of decisions as a file that anybody can verify with the public key',
  description:
    'An operator of a partner gets the whole chain with the content of those decisions that concern its partner, numbered so\n' +
    'that none can be left out. Federation administrators and auditors get the content of all, or with --partner what the\n' +
    'partner would. Decisions of versions that had no commitments can only be shown to those who may see all.',
  examples: [
    'secovia audit export > audit.jsonl',
    'secovia audit export --partner croatia --from 120000 > croatia.jsonl',
  ],
  options: [
    option('--partner <partner>', 'only the content of what concerns this partner'),
    option(
      '--from <sequence>',
      'from the group of decisions that has this one (default: the first)',
      parseSequence,
    ),
    option(
      '--to <sequence>',
      'to the group of decisions that has this one (default: the newest)',
      parseSequence,
    ),
  ],
  formats: ['table'],
  async run(context, _args, { partner, from = 0, to = 0 }) {
    const connection = await context.connection();
    const stop = AbortSignal.any([context.world.interrupted, context.out.closed]);
    const request = {
      partner: partner === undefined ? '' : resourceName('partners', partner),
      firstSequence: from,
      lastSequence: to,
    };
    const text = new TextDecoder();
    let any = false;
    try {
      const pieces = connection.stream('AuditService', 'ExportAudit', request, stop, { isPatient: true });
      for await (const { piece } of pieces) {
        any = true;
        await context.out.write(text.decode(piece, { stream: true }));
      }
    } catch (error) {
      if (context.out.closed.aborted) return;
      if (context.world.interrupted.aborted) {
        throw new Failure('interrupted: the file is not whole.', exitCodes.interrupted);
      }
      throw error;
    }
    if (!any)
      throw new Failure('the scheduler ended the answer before the export came.', exitCodes.unexpected);
  },
});

function parseSequence(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new ValueError('Write the number of a decision, 1 or more.');
  return Number(text);
}
