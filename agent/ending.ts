/**
 * How the agent's process ends when it has been told to: at its exit a process waits for the file calls that are under way,
 * and those in a pool that hangs would keep a stopped agent alive until the pool is back.
 */
const lookAgainMs = 20;

/** How many file calls this process has under way. */
const fileCalls = (): number =>
  process.getActiveResourcesInfo().filter((resource) => resource.startsWith('FSReq')).length;

/** Ends this process; file calls that have not come back within this time are left to the kernel. */
export async function endProcess(patienceMs = 2_000): Promise<void> {
  const giveUpAt = performance.now() + patienceMs;
  while (fileCalls() > 0 && performance.now() < giveUpAt) {
    await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
  }
  if (fileCalls() === 0) process.exit(0);
  process.stderr.write(`secovia-agent: ends although ${fileCalls()} file calls hang\n`);
  process.kill(process.pid, 'SIGKILL');
}
