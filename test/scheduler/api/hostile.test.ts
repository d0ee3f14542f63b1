import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import tap, { test } from 'tap';
import { eventually, within } from '../within.js';
import { ScriptedAgent } from './agent.js';
import { Api, encode } from './client.js';
import { adm, Federation, newVm } from './federation.js';
import { Watcher } from './watcher.js';

const federation = await Federation.start(tap, ['--lease-ms', '600000']);
const { api, scheduler } = federation;
const large = { architecture: 'x86_64', total: { vcpus: 1e6, memoryMib: 2e9, diskMib: 2e9, vms: 1e6 } };
await federation.host('a', { obeys: true, inventory: large });

/** The silence that the last test asks about begins here. */
const silent = new ScriptedAgent(api, 'silent');

/** What the scheduler holds, in MiB. */
function memoryMib(): number {
  const text = readFileSync(`/proc/${scheduler.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(text)?.[1]) / 1024;
}

/** It answers others in time; generous, since machines that run tests are busy. */
async function answers(): Promise<void> {
  await within(45_000, 'an answer', api.sequence());
}

async function createMany(prefix: string, count: number): Promise<void> {
  for (let from = 0; from < count; from += 500) {
    const requests = Array.from({ length: 500 }, (_, index) => ({
      ...newVm(`${prefix}-${from + index}`, { labels: { note: 'x'.repeat(200) } }),
      parent: '',
      requestId: '',
    }));
    const { operation } = await api.call('BatchCreateVms', { parent: adm, requests });
    await api.call('WaitOperation', { name: operation?.name ?? '' });
  }
}

test('an agent that asks for leases without end and reads none fills no memory', async (t) => {
  await federation.join('flood');
  await api.call('CordonHost', { name: 'hosts/flood' });
  const own = new Api(scheduler.address);
  const agent = await ScriptedAgent.connect(own, 'flood');
  agent.stream.pause();
  const before = memoryMib();
  const asked = 10_000;
  for (let id = 2; id <= asked; id += 1) await agent.press({ leaseRequest: { id } });
  await answers();
  agent.stream.resume();
  await agent.heard.next('the newest lease', ({ leaseGrant }) => leaseGrant?.id === asked);
  t.ok(memoryMib() - before < 100, `from ${before.toFixed()} to ${memoryMib().toFixed()} MiB`);
  own.close();
});

test('watchers that do not read are waited for without filling the memory, and catch up', async (t) => {
  // On a connection of their own: streams that are not read use up the window that all of a connection share.
  const own = new Api(scheduler.address);
  const watchers = Array.from({ length: 6 }, () => new Watcher(own));
  for (const watcher of watchers) {
    await watcher.next('SYNCED');
    watcher.stream.pause();
  }
  const before = memoryMib();
  await createMany('seen', 1000);
  t.ok(memoryMib() - before < 150, `from ${before.toFixed()} to ${memoryMib().toFixed()} MiB`);
  for (const watcher of watchers) watcher.stream.resume();
  for (const watcher of watchers) {
    await eventually(
      'it has caught up',
      () => [...watcher.vms.values()].filter((vm) => vm.includes('VM_STATE_RUNNING')).length,
      (running) => running === 1000,
      25_000,
    );
    watcher.cancel();
  }
  own.close();
});

test('filters that match nothing do not keep the others waiting', async (t) => {
  const filter = Array.from({ length: 100 }, (_, index) => `labels.k${index}:zzz`).join(' OR ');
  const watchers = Array.from({ length: 5 }, () => new Watcher(api, { filter }));
  const listings = Array.from({ length: 10 }, () => api.call('ListVms', { filter, pageSize: 1000 }));
  await answers();
  for (const { vms } of await Promise.all(listings)) t.same(vms, []);
  for (const watcher of watchers) {
    await watcher.next('SYNCED');
    watcher.cancel();
  }
});

test('a listing that runs out of time goes on with the next page, and misses nothing', async (t) => {
  const filter = `${Array.from({ length: 60 }, (_, index) => `labels.k${index}:zzz`).join(' OR ')} OR name:"-77"`;
  const names: string[] = [];
  let pageToken = '';
  do {
    const page = await api.call('ListVms', { filter, pageSize: 1000, pageToken });
    names.push(...page.vms.map(({ name }) => name));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  const expected = [77, ...Array.from({ length: 10 }, (_, index) => 770 + index)].map(
    (n) => `${adm}/vms/seen-${n}`,
  );
  t.same(names.sort(), expected.sort());
});

test('bytes that are not HTTP/2 close their own connection only', async (t) => {
  const port = Number(scheduler.address.split(':')[1]);
  const junk = [
    Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    Buffer.alloc(100_000, 0),
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.alloc(9, 0xff)]),
    Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]),
  ];
  const sockets: Socket[] = [];
  for (let index = 0; index < 200; index += 1) {
    const socket = connectTcp(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(junk[index % junk.length] as Buffer);
    sockets.push(socket);
  }
  await answers();
  for (const socket of sockets) socket.destroy();
  await answers();
  t.pass('it answered, during and after');
});

test('a thousand connections and two thousand idle streams leave it able to answer', async (t) => {
  const sessions: ClientHttp2Session[] = [];
  for (let index = 0; index < 1000; index += 1) {
    const session = connect(`http://${scheduler.address}`);
    session.on('error', () => {});
    sessions.push(session);
  }
  for (let index = 0; index < 2000; index += 1) {
    const stream = (sessions[index % 10] as ClientHttp2Session).request({
      ':method': 'POST',
      ':path': '/secovia.v1.AgentService/Link',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.on('error', () => {});
  }
  await answers();
  for (const session of sessions) session.destroy();
  await answers();
  t.pass('it answered, during and after');
});

test('an agent whose connection breaks in the middle of a message is gone at once', async (t) => {
  await federation.join('broken');
  const session = connect(`http://${scheduler.address}`);
  session.on('error', () => {});
  const stream = session.request({
    ':method': 'POST',
    ':path': '/secovia.v1.AgentService/Link',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.on('error', () => {});
  const hello = encode('Link', {
    hello: {
      host: 'hosts/broken',
      machineId: Buffer.from('broken'.padEnd(16, '_')).toString('hex'),
      bootId: 'boot-1',
      protocolVersion: 1,
      inventory: large,
      report: { libvirtAvailable: true },
    },
  });
  const length = Buffer.alloc(5);
  length.writeUInt32BE(hello.length, 1);
  stream.write(Buffer.concat([length, hello, Buffer.from([0, 0, 0, 1, 0, 1, 2, 3])]));
  await federation.hostBecomes('broken', 'HOST_STATE_READY');
  session.destroy();
  t.equal(await federation.hostBecomes('broken', 'HOST_STATE_SUSPECT'), 'HOST_STATE_SUSPECT');
});

test('a flood of observations and reports does not keep the others waiting', async (t) => {
  const own = new Api(scheduler.address);
  await federation.join('chatty');
  const agent = await ScriptedAgent.connect(own, 'chatty');
  for (let index = 0; index < 5000; index += 1) {
    const observation = {
      uid: `none-${index}`,
      term: 1,
      generation: 1,
      state: 'DOMAIN_STATE_RUNNING',
    } as const;
    await agent.press({ observation });
    if (index % 100 === 0) await agent.press({ report: { libvirtAvailable: true, foreignDomains: index } });
    if (index === 2500) await answers();
  }
  agent.askLease(77);
  await agent.heard.next('the lease', ({ leaseGrant }) => leaseGrant?.id === 77);
  const { host } = await api.call('GetHost', { name: 'hosts/chatty' });
  t.equal(host?.foreignDomains, 4900, 'every word was heard, in order');
  own.close();
});

test('a stream on which nobody says hello is ended after a while', async (t) => {
  const { rejected } = await silent.heard.next('Rejected', (message) => message.rejected != null);
  t.match(rejected, { reason: 'SILENT', retryable: true });
  silent.hello();
  await silent.heard.over();
  t.equal(silent.heard.all.length, 1);
});
