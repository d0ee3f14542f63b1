/** Functions that are made for each type of message of the contract: one that knows its fields need not look for them. */
import protobuf from 'protobufjs';
import { readContract } from './contract.js';

export type AnyField = protobuf.Field | protobuf.MapField;

const root = protobuf.Root.fromJSON(readContract()).resolveAll();

/** The type of this full name, e.g. `secovia.v1.Vm`. @throws Error when the contract has none. */
export const typeOf = (fullName: string): protobuf.Type => root.lookupType(fullName);

/** What generated code refers to by name. */
export class Scope {
  readonly values: Record<string, unknown> = {};

  name(prefix: string, value: unknown): string {
    const name = `${prefix}${Object.keys(this.values).length}`;
    this.values[name] = value;
    return name;
  }
}

/** A function of each type, made when it is first used: messages may hold one another. */
export class CompiledTypes<Arguments extends unknown[], Result> {
  readonly #known = new Map<protobuf.Type, { run: (...args: Arguments) => Result }>();

  constructor(private readonly compile: (type: protobuf.Type) => (...args: Arguments) => Result) {}

  of(type: protobuf.Type): { run: (...args: Arguments) => Result } {
    let known = this.#known.get(type);
    if (known === undefined) {
      const made = {
        run: (...args: Arguments): Result => {
          made.run = this.compile(type);
          return made.run(...args);
        },
      };
      known = made;
      this.#known.set(type, known);
    }
    return known;
  }
}
