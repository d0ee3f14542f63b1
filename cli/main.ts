#!/usr/bin/env node
/** The `secovia` executable: hands the process to `runCli`. */
import { exitCodes } from './failure.js';
import { runCli } from './run.js';

const interruption = new AbortController();

process.on('SIGINT', () => {
  // The first one ends what is under way with a word; the second does not ask.
  if (interruption.signal.aborted) process.exit(exitCodes.interrupted);
  interruption.abort();
});

process.exitCode = await runCli(process.argv.slice(2), {
  // Opened only when a question is asked.
  get stdin() {
    return process.stdin;
  },
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  interrupted: interruption.signal,
  now: Date.now,
});
