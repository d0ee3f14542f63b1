/** `secovia administration list`, as a table or as the tree that they form. */
import type { Administration__Output } from '../../../proto/gen/secovia/v1/Administration.js';
import { defineCommand, flag } from '../../command.js';
import type { Context } from '../../context.js';
import { list, pages } from '../../output/present.js';
import { Table } from '../../output/table.js';
import { administrationColumns } from '../../views/administration.js';
import { inTreeOrder } from '../../views/administration-tree.js';
import { shortName } from '../../values/names.js';

interface Options {
  tree?: true;
}

const none = 'there is no administration yet. Add one with secovia administration create.';

export const administrationList = defineCommand<Options>({
  usage: 'administration list',
  summary: 'List the administrations',
  examples: ['secovia administration list', 'secovia administration list --tree'],
  options: [flag('--tree', 'for people: each below its parent, indented')],
  async run(context, _args, { tree = false }) {
    if (tree && context.format === 'table') return listTree(context);
    await list(context, {
      service: 'AdministrationService',
      method: 'ListAdministrations',
      request: {},
      key: 'administrations',
      rows: (page) => page.administrations,
      columns: administrationColumns(context.nowMs),
      none,
    });
  },
});

async function listTree(context: Context): Promise<void> {
  const all: Administration__Output[] = [];
  for await (const page of pages(context, 'AdministrationService', 'ListAdministrations', {}))
    all.push(...page.administrations);
  if (all.length === 0) return context.say(none);
  const rows = inTreeOrder(all).map(({ administration, depth }) => ({
    ...administration,
    indented: `${'  '.repeat(depth)}${shortName(administration.name)}`,
  }));
  const [, ...others] = administrationColumns(context.nowMs);
  // Who is above whom is drawn, so it need not be said.
  const columns = others.filter(({ head }) => head !== 'PARENT');
  const table = new Table<(typeof rows)[number]>(
    [{ head: 'NAME', value: (row) => row.indented }, ...columns],
    context.paint,
  );
  await context.out.write(await table.page(rows));
}
