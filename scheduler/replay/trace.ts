/**
 * Reads a trace of VMs: CSV with a header line that names the columns `arrival_s`, `departure_s` (empty for a VM that
 * stays), `vcpus` and `memory_mib`, in any order and among others, plain or gzipped.
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';

/** Columns by VM, in the order of arrival; VMs that arrive together keep the order of the file. */
export interface Trace {
  vms: number;
  /** Seconds. */
  arrivals: Float64Array;
  /** Seconds; infinite for a VM that stays. */
  departures: Float64Array;
  vcpus: Int32Array;
  memoryMib: Int32Array;
}

/** The file is not a trace; the message says where and why. */
export class TraceError extends Error {}

const columns = ['arrival_s', 'departure_s', 'vcpus', 'memory_mib'] as const;

type Row = [arrival: number, departure: number, vcpus: number, memoryMib: number];

/** @throws TraceError */
export async function readTrace(path: string): Promise<Trace> {
  const rows: Row[] = [];
  let places: number[] | null = null;
  let line = 0;
  try {
    for await (const text of createInterface({ input: await streamOf(path) })) {
      line += 1;
      if (text.trim() === '') continue;
      const cells = text.split(',').map((cell) => cell.trim());
      if (places === null) places = placesOf(cells);
      else rows.push(rowOf(places.map((place) => cells[place] ?? '')));
    }
  } catch (error) {
    const where = line > 0 ? `${path}, line ${line}` : path;
    throw new TraceError(`${where}: ${(error as Error).message}`);
  }
  if (rows.length === 0) throw new TraceError(`${path}: has no VMs`);
  const order = rows.map((_, index) => index);
  order.sort((a, b) => (rows[a] as Row)[0] - (rows[b] as Row)[0] || a - b);
  const column = (at: 0 | 1 | 2 | 3) => order.map((index) => (rows[index] as Row)[at]);
  return {
    vms: rows.length,
    arrivals: Float64Array.from(column(0)),
    departures: Float64Array.from(column(1)),
    vcpus: Int32Array.from(column(2)),
    memoryMib: Int32Array.from(column(3)),
  };
}

/** What a file says, unpacked if its first two bytes are those of gzip. */
async function streamOf(path: string): Promise<NodeJS.ReadableStream> {
  const file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
  await file.close();
  const packed = bytesRead === 2 && buffer.readUInt16BE(0) === 0x1f8b;
  const stream = createReadStream(path);
  if (!packed) return stream;
  const unpacked = createGunzip();
  stream.on('error', (error) => unpacked.destroy(error));
  return stream.pipe(unpacked);
}

function placesOf(header: string[]): number[] {
  return columns.map((name) => {
    const place = header.indexOf(name);
    if (place < 0) throw new Error(`the header has no column ${name}; needed are ${columns.join(', ')}`);
    return place;
  });
}

function rowOf([arrival = '', departure = '', vcpus = '', memoryMib = '']: string[]): Row {
  const row: Row = [
    amount('arrival_s', arrival),
    departure === '' ? Number.POSITIVE_INFINITY : amount('departure_s', departure),
    whole('vcpus', vcpus),
    whole('memory_mib', memoryMib),
  ];
  if (row[1] < row[0]) throw new Error(`departure_s ${departure} is before arrival_s ${arrival}`);
  return row;
}

function amount(name: string, text: string): number {
  const value = Number(text);
  if (text === '' || !Number.isFinite(value) || value < 0) {
    throw new Error(`${name} is "${text}", not a number from 0 up`);
  }
  return value;
}

function whole(name: string, text: string): number {
  const value = amount(name, text);
  if (!Number.isInteger(value) || value < 1 || value > 2 ** 30) {
    throw new Error(`${name} is "${text}", not a whole number above 0`);
  }
  return value;
}
