// The watchdog of a host, as servers have one: watchdog SOCKET SECONDS COMMAND... Any byte on the socket pets it, and it bites by
// running the command when it has not been petted for so many seconds, whether or not anybody is connected any more; 'V' takes it
// back. What its host's agent does is not its concern.
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename, dirname } from 'node:path';

const [path, seconds, command, ...words] = process.argv.slice(2);
const takesBack = 'V'.charCodeAt(0);
let timer = null;

function bite() {
  timer = null;
  console.log(`${new Date().toISOString()} bites`);
  execFile(command, words, (error) => error && console.log(`${error}`));
}

function pet() {
  if (timer === null) console.log(`${new Date().toISOString()} armed`);
  clearTimeout(timer);
  timer = setTimeout(bite, Number(seconds) * 1000);
}

function takeBack() {
  clearTimeout(timer);
  timer = null;
  console.log(`${new Date().toISOString()} taken back`);
}

// A socket's path has room for some hundred bytes: from its folder it is short.
process.chdir(dirname(path));
rmSync(basename(path), { force: true });
createServer((client) => {
  client.on('error', () => undefined);
  client.on('data', (bytes) => {
    for (const byte of bytes) if (byte === takesBack) takeBack();
      else pet();
  });
}).listen(basename(path));
