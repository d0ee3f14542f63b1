/**
 * Tables for spreadsheets and programs, by RFC 4180: a header, CRLF after every row, and quotes around what would be taken
 * for something else. Columns keep their names and their order; new ones come at the end.
 */
export interface CsvColumn<Row> {
  head: string;
  value: (row: Row) => string;
}

export function csvHeader<Row>(columns: readonly CsvColumn<Row>[]): string {
  return csvRow(columns.map(({ head }) => head));
}

export function csvRows<Row>(columns: readonly CsvColumn<Row>[], rows: readonly Row[]): string {
  return rows.map((row) => csvRow(columns.map(({ value }) => value(row)))).join('');
}

function csvRow(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
