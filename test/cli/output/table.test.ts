import { stripVTControlCharacters } from 'node:util';
import t from 'tap';
import { coloured, plain, stateTone } from '../../../cli/output/colours.js';
import { sheet } from '../../../cli/output/sheet.js';
import { type Column, Table } from '../../../cli/output/table.js';

interface Row {
  name: string;
  state: string;
  count: number;
  title: string;
}

const columns: Column<Row>[] = [
  { head: 'NAME', value: (row) => row.name },
  { head: 'STATE', value: (row) => row.state, tone: (_row, value) => stateTone(value) },
  { head: 'COUNT', value: (row) => String(row.count), align: 'right' },
  { head: 'TITLE', value: (row) => row.title },
];

const rows: Row[] = [
  { name: 'a', state: 'RUNNING', count: 3, title: 'short' },
  { name: '東京', state: 'FAILED', count: 1234, title: '' },
  { name: 'Ελλάδα', state: 'STOPPED', count: 20, title: 'line\nbreak \x1b[2J' },
];

t.test('columns align, wide scripts and numbers too', async (t) => {
  t.equal(
    await new Table(columns, plain).page(rows),
    [
      'NAME    STATE    COUNT  TITLE',
      'a       RUNNING      3  short',
      '東京    FAILED    1234',
      'Ελλάδα  STOPPED     20  line\\nbreak \\x1b[2J',
      '',
    ].join('\n'),
  );
});

t.test('a later page keeps the widths, has no header, and may widen', async (t) => {
  const table = new Table(columns, plain);
  await table.page(rows);
  t.equal(
    await table.page([{ name: 'b', state: 'READY', count: 7, title: 'x' }]),
    'b       READY        7  x\n',
  );
  t.equal(
    await table.page([{ name: 'a-much-longer-name', state: 'READY', count: 7, title: 'x' }]),
    'a-much-longer-name  READY        7  x\n',
  );
  t.equal(
    await table.page([{ name: 'b', state: 'READY', count: 7, title: 'x' }]),
    'b                   READY        7  x\n',
    'and stays wide',
  );
  t.equal(await table.page([]), '');
});

t.test('colours do not disturb the alignment', async (t) => {
  const painted = await new Table(columns, coloured).page(rows);
  t.ok(painted.includes('\x1b[32mRUNNING\x1b[39m'));
  t.ok(painted.includes('\x1b[31mFAILED\x1b[39m'));
  const bare = stripVTControlCharacters(painted).replace(/ +$/gm, '');
  t.equal(bare, await new Table(columns, plain).page(rows));
});

t.test('a sheet leaves out what is empty and keeps lists together', async (t) => {
  const text = sheet(
    [
      ['Name', 'web'],
      ['Title', ''],
      ['State', 'RUNNING'],
      ['Labels', ['env=prod', 'tier=\x1b[1m']],
      ['Orphans', []],
    ],
    plain,
  );
  t.equal(text, 'Name    web\nState   RUNNING\nLabels  env=prod\n        tier=\\x1b[1m\n');
});
