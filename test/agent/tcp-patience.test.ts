import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { silenceMs, tcpPatienceProblem } from '../../agent/tcp-patience.js';

t.test('how long the kernel goes on sending is what Linux says of its retries', async (t) => {
  // Documentation/networking/ip-sysctl.rst: the default of 15 comes to 924.6 seconds.
  t.equal(silenceMs(15), 924_600);
  t.equal(silenceMs(6), 25_400);
});

t.test('a host on which a guest may stand still for minutes is told what to set', async (t) => {
  const path = join(t.testdir(), 'tcp_retries2');
  const problemAt = (text: string) => {
    writeFileSync(path, text);
    return tcpPatienceProblem(path);
  };
  t.match(problemAt('15\n'), /stop its guest for 15 minutes: set net\.ipv4\.tcp_retries2 to 6 \(it is 15/);
  t.match(problemAt('9\n'), /for 3 minutes/);
  t.equal(problemAt('8\n'), null);
  t.equal(problemAt('6\n'), null);
});

t.test('nothing is said where there is no such setting', async (t) => {
  t.equal(tcpPatienceProblem(join(t.testdir(), 'none')), null);
});
