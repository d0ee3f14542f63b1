import { generateKeyPairSync, sign, verify } from 'node:crypto';
import t from 'tap';
import { AgentCore } from '../../agent/core.js';
import {
  type Checkpoint,
  checkpointText,
  contradicts,
  isNewerCheckpoint,
  judgeEpoch,
} from '../../agent/converge/epoch.js';
import { Ledger } from '../../agent/converge/ledger.js';
import type { LinkResponse, LinkResponse__Output } from '../../proto/gen/secovia/v1/LinkResponse.js';
import { messageCodec } from '../../proto/index.js';

const checkpoint = (change: Partial<Checkpoint> = {}): Checkpoint => ({
  incarnation: 1,
  sequence: 10,
  hashHex: 'aa',
  signatureBase64: '',
  ...change,
});

t.test('epochs are ordered by incarnation, then counter, and belong to one instance', async (t) => {
  const highest = { incarnation: 2, counter: 5, instance: 'one' };
  t.equal(judgeEpoch(null, highest), 'newer');
  t.equal(judgeEpoch(highest, highest), 'same');
  t.equal(judgeEpoch(highest, { ...highest, counter: 6, instance: 'two' }), 'newer');
  t.equal(judgeEpoch(highest, { ...highest, incarnation: 3, counter: 1 }), 'newer');
  t.equal(judgeEpoch(highest, { ...highest, incarnation: 1, counter: 99 }), 'older');
  t.equal(judgeEpoch(highest, { ...highest, instance: 'two' }), 'clone');
});

t.test('checkpoints are ordered the same way, and two of one place must agree', async (t) => {
  t.equal(isNewerCheckpoint(null, checkpoint()), true);
  t.equal(isNewerCheckpoint(checkpoint(), checkpoint()), false);
  t.equal(isNewerCheckpoint(checkpoint(), checkpoint({ sequence: 11 })), true);
  t.equal(isNewerCheckpoint(checkpoint(), checkpoint({ incarnation: 2, sequence: 1 })), true);
  t.equal(contradicts(checkpoint(), checkpoint()), false);
  t.equal(contradicts(checkpoint(), checkpoint({ hashHex: 'bb' })), true);
  t.equal(contradicts(checkpoint(), checkpoint({ hashHex: 'bb', sequence: 11 })), false);
  t.equal(checkpointText(checkpoint()), 'secovia-checkpoint-v1\n1\n10\naa\n');
});

t.test('E2: the core keeps what is newer and signed, and shouts about another past', async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const ledger = new Ledger('boot');
  const now = { bootMs: 0, wallMs: 0 };
  const core = new AgentCore(
    {
      identity: { host: 'h1', machineId: '', bootId: '', instance: '' },
      ledger,
      random: () => 0,
      poolDirectories: [],
      fencing: {},
      verifyCheckpoint: (offered) =>
        verify(
          null,
          Buffer.from(checkpointText(offered)),
          publicKey,
          Buffer.from(offered.signatureBase64, 'base64'),
        ),
    },
    now,
  );
  const codec = messageCodec<LinkResponse, LinkResponse__Output>('secovia.v1.LinkResponse');
  const epoch = { incarnation: 1, counter: 1, instance: 'one' };
  const hear = (response: LinkResponse) => {
    core.received(codec.deserialize(codec.serialize(response)), now);
    core.takeOutputs();
  };
  const signed = (sequence: number, fill: number, good = true) => {
    const hash = Buffer.alloc(32, fill);
    const text = checkpointText({
      incarnation: 1,
      sequence,
      hashHex: hash.toString('hex'),
      signatureBase64: '',
    });
    const signature = good ? sign(null, Buffer.from(text), privateKey) : Buffer.alloc(64);
    return { incarnation: 1, sequence, hash, signature };
  };
  core.startLink(now);
  core.takeOutputs();
  core.opened(now);
  core.takeOutputs();
  hear({
    welcome: { epoch, leaseMs: 15_000, leaseIntervalMs: 5_000, protocolVersion: 1, checkpoint: signed(5, 1) },
  });
  t.equal(ledger.checkpoint?.sequence, 5);
  const offers: [string, ReturnType<typeof signed>, number][] = [
    ['older', signed(4, 1), 5],
    ['newer and unsigned', signed(7, 1, false), 5],
    ['the same place with another past', signed(5, 2), 5],
    ['newer', signed(6, 1), 6],
  ];
  for (const [what, offered, kept] of offers) {
    hear({ leaseGrant: { id: 1, leaseMs: 15_000, epoch, checkpoint: offered } });
    t.equal(ledger.checkpoint?.sequence, kept, what);
  }
  const troubles = core.troubles.list().map(({ message }) => message);
  t.match(troubles, [/sequence 7 is not signed by the federation/, /another past at sequence 5/]);
});
