/**
 * A libvirtd that does only what a test tells it: it shakes hands over a unix socket in libvirt's wire protocol
 * (28 bytes of header, then XDR), and each further call is answered, refused, or left hanging until later.
 * Nothing else makes a hang or a late answer happen at a known moment.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const REMOTE_PROGRAM = 0x20008086;
const KEEPALIVE_PROGRAM = 0x6b656570;
const HEADER_BYTES = 28;
const MESSAGE_TYPE = { call: 0, reply: 1, message: 2 } as const;
const STATUS = { ok: 0, error: 1 } as const;
const KEEPALIVE_PONG = 2;
const FEATURE_PROGRAM_KEEPALIVE = 10;
const FEATURE_REMOTE_EVENT_CALLBACK = 14;

/** Numbers of the wire protocol's procedures. */
export const Procedure = {
  CONNECT_OPEN: 1,
  CONNECT_CLOSE: 2,
  DOMAIN_LOOKUP_BY_UUID: 24,
  CONNECT_GET_HOSTNAME: 59,
  CONNECT_SUPPORTS_FEATURE: 60,
  AUTH_LIST: 66,
  STORAGE_POOL_LOOKUP_BY_NAME: 84,
  STORAGE_VOL_LOOKUP_BY_NAME: 95,
  CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY: 316,
  CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY: 317,
} as const;

function xdrInt(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function xdrString(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([xdrInt(bytes.length), bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

const NOTHING = Buffer.alloc(0);
const UUID = Buffer.from('11111111222243338444555555555555', 'hex');

/** What the handshake and the look-ups get, unless a test says otherwise. */
function usualAnswer(procedure: number, request: Buffer): Buffer | undefined {
  switch (procedure) {
    case Procedure.AUTH_LIST:
      return Buffer.concat([xdrInt(1), xdrInt(0)]);
    case Procedure.CONNECT_SUPPORTS_FEATURE: {
      const feature = request.readInt32BE(0);
      const supported = feature === FEATURE_PROGRAM_KEEPALIVE || feature === FEATURE_REMOTE_EVENT_CALLBACK;
      return xdrInt(supported ? 1 : 0);
    }
    case Procedure.CONNECT_OPEN:
    case Procedure.CONNECT_CLOSE:
    case Procedure.CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY:
      return NOTHING;
    case Procedure.CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY:
      return xdrInt(request.readInt32BE(0));
    case Procedure.DOMAIN_LOOKUP_BY_UUID:
      return Buffer.concat([xdrString('guest'), UUID, xdrInt(7)]);
    case Procedure.STORAGE_POOL_LOOKUP_BY_NAME:
      return Buffer.concat([xdrString('pool'), UUID]);
    case Procedure.STORAGE_VOL_LOOKUP_BY_NAME:
      return Buffer.concat([xdrString('pool'), xdrString('volume'), xdrString('key')]);
    default:
      return undefined;
  }
}

export interface Refusal {
  code: number;
  domain: number;
  message: string;
}

/** A call that arrived and was not answered yet. */
export interface PendingCall {
  procedure: number;
  answer(payload: Buffer): void;
  refuse(refusal: Refusal): void;
}

export class MuteDaemon {
  readonly uri: string;
  /** Every procedure that was called, in order. */
  readonly called: number[] = [];
  readonly pending: PendingCall[] = [];
  /** Whether the handshake gets its answers. */
  greets = true;
  /** Whether keepalive probes get theirs. */
  lives = true;
  /** Refuses whatever the handshake does not need. */
  refusal: Refusal | undefined;
  /** Procedures that hang although they have a usual answer. */
  readonly hanging = new Set<number>();

  readonly #folder = mkdtempSync(join(tmpdir(), 'mute-daemon-'));
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #waiters: (() => void)[] = [];

  private constructor() {
    this.uri = `qemu+unix:///system?socket=${join(this.#folder, 'socket')}`;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(): Promise<MuteDaemon> {
    const daemon = new MuteDaemon();
    await new Promise<void>((resolve) => {
      daemon.#server.listen(join(daemon.#folder, 'socket'), resolve);
    });
    return daemon;
  }

  /** Resolves when the condition holds; looked at after each call that arrives. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** The process behind the socket dies. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.hangUp();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    let received = NOTHING;
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#notify();
    });
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 4 && received.length >= received.readUInt32BE(0)) {
        const length = received.readUInt32BE(0);
        this.#receive(socket, received.subarray(0, length));
        received = received.subarray(length);
      }
    });
  }

  /** Connections that are open now. */
  get openSockets(): number {
    return this.#sockets.size;
  }

  #receive(socket: Socket, packet: Buffer): void {
    const program = packet.readUInt32BE(4);
    const procedure = packet.readInt32BE(12);
    if (program === KEEPALIVE_PROGRAM) {
      if (this.lives)
        send(socket, KEEPALIVE_PROGRAM, KEEPALIVE_PONG, MESSAGE_TYPE.message, 0, STATUS.ok, NOTHING);
      return;
    }
    const serial = packet.readUInt32BE(20);
    const call: PendingCall = {
      procedure,
      answer: (payload) => {
        send(socket, REMOTE_PROGRAM, procedure, MESSAGE_TYPE.reply, serial, STATUS.ok, payload);
      },
      refuse: (refusal) => {
        const error = encodeError(refusal);
        send(socket, REMOTE_PROGRAM, procedure, MESSAGE_TYPE.reply, serial, STATUS.error, error);
      },
    };
    this.called.push(procedure);
    const usual = usualAnswer(procedure, packet.subarray(HEADER_BYTES));
    if (usual && this.greets && !this.hanging.has(procedure)) call.answer(usual);
    else if (this.refusal && !usual) call.refuse(this.refusal);
    else this.pending.push(call);
    this.#notify();
  }

  #notify(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }
}

function send(
  socket: Socket,
  program: number,
  procedure: number,
  type: number,
  serial: number,
  status: number,
  payload: Buffer,
): void {
  const header = Buffer.alloc(HEADER_BYTES);
  const words = [HEADER_BYTES + payload.length, program, 1, procedure, type, serial, status];
  for (const [index, word] of words.entries()) header.writeUInt32BE(word, index * 4);
  if (!socket.destroyed) socket.write(Buffer.concat([header, payload]));
}

const ABSENT = xdrInt(0);
const PRESENT = xdrInt(1);
const ERROR_LEVEL = xdrInt(2);

function encodeError(refusal: Refusal): Buffer {
  const numbers = [xdrInt(refusal.code), xdrInt(refusal.domain)];
  const message = [PRESENT, xdrString(refusal.message)];
  const nothingMore = [ABSENT, ABSENT, ABSENT, ABSENT, xdrInt(0), xdrInt(0), ABSENT];
  return Buffer.concat([...numbers, ...message, ERROR_LEVEL, ...nothingMore]);
}

/** A string as the answer to a call that returns one. */
export function stringAnswer(text: string): Buffer {
  return xdrString(text);
}
