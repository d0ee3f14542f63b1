/** A program that shares a watchdog out over a socket: writes down what its clients say. `watchdog-mux.js SOCKET LOG`. */
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename, dirname } from 'node:path';

const [path = '', log = ''] = process.argv.slice(2);
process.chdir(dirname(path));
createServer((client) => {
  appendFileSync(log, '+');
  client.on('data', (bytes) => {
    for (const byte of bytes) appendFileSync(log, byte === 0x56 ? 'V' : 'p');
  });
  client.on('close', () => appendFileSync(log, '-'));
  client.on('error', () => undefined);
}).listen(basename(path), () => process.send?.('listening'));
