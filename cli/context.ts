/**
 * What a command is given: settings, the connection, and the ways to speak. Everything heavy (gRPC, the contract,
 * descriptors) is loaded when a command first asks for it, so that help and completion stay quick.
 */
import type { Connection } from './client/connection.js';
import type { ProtoJson } from './client/proto-json.js';
import { coloured, type Paint, plain } from './output/colours.js';
import { harmless, harmlessJson } from './output/harmless.js';
import type { Sink } from './output/sink.js';
import type { OutputFormat, Settings } from './settings.js';
import type { World } from './world.js';

export class Context {
  readonly world: World;
  readonly settings: Settings;
  readonly out: Sink;
  readonly #errors: Sink;
  #connection: Connection | undefined;
  #json: ProtoJson | undefined;

  constructor(world: World, settings: Settings, out: Sink, errors: Sink) {
    this.world = world;
    this.settings = settings;
    this.out = out;
    this.#errors = errors;
  }

  get format(): OutputFormat {
    return this.settings.output;
  }

  /** For standard output. */
  get paint(): Paint {
    return this.settings.colour && this.world.stdout.isTTY === true ? coloured : plain;
  }

  get nowMs(): number {
    return this.world.now();
  }

  async connection(): Promise<Connection> {
    if (this.#connection === undefined) {
      const { Connection } = await import('./client/connection.js');
      this.#connection ??= new Connection({
        settings: this.settings,
        interrupted: this.world.interrupted,
        nowMs: this.nowMs,
        say: (line) => this.say(line),
      });
    }
    return this.#connection;
  }

  async json(): Promise<ProtoJson> {
    if (this.#json === undefined) {
      const { ProtoJson } = await import('./client/proto-json.js');
      this.#json ??= new ProtoJson();
    }
    return this.#json;
  }

  /** A line of the result. */
  async line(text: string): Promise<void> {
    await this.out.write(`${text}\n`);
  }

  async writeJson(value: object, indent = 2): Promise<void> {
    await this.line(harmlessJson(JSON.stringify(value, null, indent)));
  }

  /** A line beside the result: on stderr, so that it never mixes with what a script reads. */
  say(line: string): void {
    void this.#errors.write(`secovia: ${harmless(line)}\n`);
  }

  /** Raw text for stderr, for live progress. */
  async sayRaw(text: string): Promise<void> {
    await this.#errors.write(text);
  }

  close(): void {
    this.#connection?.close();
  }
}
