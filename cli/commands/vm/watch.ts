/** `secovia vm watch`: a line for each change, as it becomes durable. */
import type { WatchVmsResponse__Output } from '../../../proto/gen/secovia/v1/WatchVmsResponse.js';
import { defineCommand, option } from '../../command.js';
import type { Context } from '../../context.js';
import { stateTone } from '../../output/colours.js';
import { harmless } from '../../output/harmless.js';
import { vmName } from '../../values/names.js';
import { type WatchLine, Watched } from '../../views/watched.js';
import { type AdministrationOption, administrationOf, administrationOption } from '../../vm-options.js';

interface Options extends AdministrationOption {
  filter?: string;
}

/** Column widths that hold most values; a longer one only shifts its own line. */
const widths = { vm: 28, state: 10, host: 16 };

export const vmWatch = defineCommand<Options>({
  usage: 'vm watch [vm]',
  summary: 'Watch VMs: a line for each change, until Ctrl-C',
  description:
    'First a line for every VM there is, then one for each change: time, VM, state, host, note.\n' +
    'The watch of a single VM ends when it is deleted. A lost connection is taken up where it broke.\n' +
    '--output json gives one JSON object a line.',
  examples: [
    'secovia vm watch -A city',
    'secovia vm watch city/web',
    `secovia vm watch --filter 'state != RUNNING' --output json`,
  ],
  options: [administrationOption(), option('--filter <expression>', 'as in secovia vm list')],
  async run(context, [word], options) {
    const { watching } = await import('../../client/watch.js');
    const target = await targetOf(context, word, options);
    const watched = new Watched();
    for await (const event of watching(context, 'VmService', 'WatchVms', target)) {
      await show(context, event, watched.take(event));
      const deleted = event.type === 'WATCH_EVENT_TYPE_REMOVED' || event.vm?.state === 'VM_STATE_DELETED';
      // It may have gone while the connection was lost: then it is not sent again.
      const isGone = deleted || watched.isEmpty;
      if (word !== undefined && options.filter === undefined && isGone) return;
    }
  },
});

async function targetOf(context: Context, word: string | undefined, options: Options) {
  const { filter = '' } = options;
  if (word === undefined)
    return { parent: administrationOf(context, options) ?? 'administrations/-', filter };
  // By uid: another VM that takes the name later is not the one that was asked for.
  const connection = await context.connection();
  const { vm } = await connection.call('VmService', 'GetVm', {
    name: vmName(word, administrationOf(context, options)),
  });
  const only = `uid = "${vm?.uid ?? ''}"`;
  const parent = /^administrations\/[^/]+/.exec(vm?.name ?? '')?.[0] ?? 'administrations/-';
  return { parent, filter: filter === '' ? only : `${only} AND (${filter})` };
}

async function show(
  context: Context,
  event: WatchVmsResponse__Output,
  lines: readonly WatchLine[],
): Promise<void> {
  switch (context.format) {
    case 'json': {
      // A heartbeat only carries a token, which the CLI keeps to itself.
      if (event.type === 'WATCH_EVENT_TYPE_HEARTBEAT') return;
      const json = await context.json();
      return context.writeJson(json.response('VmService', 'WatchVms', event), 0);
    }
    case 'name':
      for (const _line of lines) await context.line(harmless(event.vm?.name ?? ''));
      return;
    case 'table':
      for (const line of lines) await context.line(lineText(context, line));
      return;
  }
}

function lineText(context: Context, { vm, state, host, note }: WatchLine): string {
  const shownState = harmless(state).padEnd(widths.state);
  return [
    timeOf(context),
    harmless(vm).padEnd(widths.vm),
    context.paint(stateTone(state), shownState),
    harmless(host).padEnd(widths.host),
    harmless(note),
  ]
    .join('  ')
    .trimEnd();
}

/** The time of day for a person who looks on, the full moment for a file. */
function timeOf(context: Context): string {
  const moment = new Date(context.nowMs);
  return context.world.stdout.isTTY === true
    ? moment.toTimeString().slice(0, 8)
    : moment.toISOString().replace(/\.\d+Z$/, 'Z');
}
