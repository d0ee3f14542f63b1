import { spawn } from 'node:child_process';
import { test } from 'tap';
import { startMuteDaemon } from './opened.js';

const NATIVE = new URL('../../native/index.js', import.meta.url).href;

interface Ending {
  code: number | null;
  signal: string | null;
  output: string;
  tookMs: number;
}

const DEADLINE_MS = 30_000;

/**
 * Runs a module in a process of its own, which must end by itself within the deadline. Its standard input is closed
 * when `go` resolves.
 */
async function run(
  source: string,
  onOutput = (_output: string) => {},
  go: Promise<unknown> = Promise.resolve(),
): Promise<Ending> {
  const start = performance.now();
  const prelude = `import { nativeCounters, openConnection } from ${JSON.stringify(NATIVE)};\n`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', prelude + source], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // A child that has ended does not read it any more.
  child.stdin.on('error', () => {});
  go.then(() => child.stdin.end());
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
      onOutput(output);
    });
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  return await new Promise((resolve) => {
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, output: output.trim(), tookMs: performance.now() - start });
    });
  });
}

const OPEN = `const connection = await openConnection('test:///default');\n`;

/** A worker thread that runs a module and can be ended from outside. */
const WORKER = `
import { Worker } from 'node:worker_threads';
const startWorker = (source) => new Worker(
  new URL('data:text/javascript,' + encodeURIComponent(
    "import { parentPort } from 'node:worker_threads';" +
    "import { openConnection } from ${NATIVE};" + source)),
);
const ended = (worker) => new Promise((resolve, reject) => worker.on('exit', resolve).on('error', reject));
const told = (worker) => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
`.replace(`from ${NATIVE}`, `from '${NATIVE}'`);

const ENDINGS: [what: string, source: string, output: string][] = [
  ['an open connection', `${OPEN} console.log(await connection.isAlive());`, 'true'],
  [
    'an open connection that is listened to',
    `${OPEN} await connection.onEvent(() => {}); connection.onClose(() => {}); console.log('listening');`,
    'listening',
  ],
  ['a closed connection', `${OPEN} await connection.close(); console.log('closed');`, 'closed'],
  ['a close that nobody waits for', `${OPEN} connection.close(); console.log('closing');`, 'closing'],
  [
    'process.exit while calls run',
    `${OPEN} for (let i = 0; i < 1000; i++) connection.domainList(); console.log('out'); process.exit(0);`,
    'out',
  ],
  [
    'process.exit in an answer',
    `${OPEN} for (let i = 0; i < 50; i++) connection.domainList();
     connection.hostname().then(() => { console.log('out'); process.exit(0); });`,
    'out',
  ],
  [
    'process.exit in an event',
    `${OPEN} await connection.onEvent(() => { console.log('out'); process.exit(0); });
     const [domain] = await connection.domainList();
     await connection.domainDestroy(domain.uuid); setTimeout(() => {}, 60_000);`,
    'out',
  ],
  [
    'worker threads that end by themselves',
    `${WORKER}
     const source = "const c = await openConnection('test:///default'); await c.onEvent(() => {});" +
       "await c.domainList(); parentPort.postMessage('listed');";
     for (let round = 0; round < 3; round++) {
       await Promise.all([1, 2, 3, 4].map(() => ended(startWorker(source))));
     }
     console.log('ended');`,
    'ended',
  ],
  [
    'worker threads that are terminated in the middle of calls',
    `${WORKER}
     const source = "const c = await openConnection('test:///default'); await c.onEvent(() => {});" +
       "parentPort.postMessage('open'); const [d] = await c.domainList();" +
       "for (;;) await Promise.allSettled(Array.from({ length: 50 }, (_, i) =>" +
       "  i % 2 ? c.domainSuspend(d.uuid) : c.domainResume(d.uuid)));";
     for (let round = 0; round < 10; round++) {
       const workers = [startWorker(source), startWorker(source)];
       await Promise.all(workers.map(told));
       await Promise.all(workers.map((worker) => worker.terminate()));
     }
     const connection = await openConnection('test:///default');
     console.log(await connection.isAlive());`,
    'true',
  ],
];

test('a process ends cleanly', async (t) => {
  t.plan(ENDINGS.length);
  for (const [what, source, output] of ENDINGS) {
    t.match(await run(source), { code: 0, signal: null, output }, `with ${what}`);
  }
});

test('a process with a call that hangs', async (t) => {
  const daemon = await startMuteDaemon(t);
  const open = `const connection = await openConnection('${daemon.uri}');\n`;
  const hang = (deadlineMs: number) =>
    `${open} connection.hostname({ deadlineMs: ${deadlineMs} }).catch((error) => console.log(error.code));\n`;

  const exits = await run(`${hang(30_000)} setImmediate(() => process.exit(7));`);
  t.match(exits, { code: 7, signal: null, output: '' });
  t.ok(exits.tookMs < 20_000, `exits at once when told to: ${exits.tookMs} ms`);

  const runsOut = await run(hang(300));
  t.match(runsOut, { code: 0, signal: null, output: '-1' });

  const throws = await run(`${hang(300)} setImmediate(() => { throw new Error('uncaught'); });`);
  t.match(throws, { code: 1, signal: null, output: /Error: uncaught/ });

  daemon.greets = false;
  const opening = await run(
    `openConnection('${daemon.uri}', { deadlineMs: 200 }).catch((e) => console.log(e.code));`,
  );
  t.match(opening, { code: 0, signal: null, output: '-1' });
});

test('a thread that hangs outlives its worker without harm', async (t) => {
  const daemon = await startMuteDaemon(t);
  const source =
    `const c = await openConnection('${daemon.uri}');` +
    "c.hostname({ deadlineMs: 60_000 }); parentPort.postMessage('asked');";
  const parent = `${WORKER}
    import { readdirSync, readFileSync } from 'node:fs';
    const callThreads = () => readdirSync('/proc/self/task').filter((thread) => {
      try { return readFileSync('/proc/self/task/' + thread + '/comm', 'utf8') === 'virt-call\\n'; }
      catch { return false; }
    }).length;
    const worker = startWorker(${JSON.stringify(source)});
    await told(worker);
    // The call was asked for; its thread has to hang in it before the worker goes.
    for await (const _ of process.stdin);
    await worker.terminate();
    console.log('left behind: ' + callThreads());
    while (callThreads() > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    console.log('gone');`;
  const onOutput = (output: string) => {
    // The thread comes back when nobody is left to hear of it.
    if (output.includes('left behind')) daemon.hangUp();
  };
  const hangs = daemon.until(() => daemon.pending.length > 0);
  const ending = await run(parent, onOutput, hangs);
  t.match(ending, { code: 0, signal: null, output: 'left behind: 1\ngone' });
});

test('an uncaught exception of a listener is the process’s', async (t) => {
  const source = `${OPEN}
    const heard = [];
    process.on('uncaughtException', (error) => console.log(error.message));
    await connection.onEvent(() => { throw new Error('mine'); });
    await connection.onEvent((event) => heard.push(event));
    const [domain] = await connection.domainList();
    await connection.domainDestroy(domain.uuid);
    while (heard.length === 0) await new Promise((resolve) => setImmediate(resolve));
    console.log(heard.length);`;
  t.match(await run(source), { code: 0, output: 'mine\n1' });
});
