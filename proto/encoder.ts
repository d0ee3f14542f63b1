/**
 * Messages to bytes without a detour. The loader's own serializer copies a plain object into a message object, that into
 * a list of operations, and those into bytes: many times the garbage of the bytes themselves, which a server that answers
 * thousands of calls a second feels. This one writes plain objects straight into a buffer, by a function that is made for
 * each type of message. A test holds both to the same meaning.
 */
import protobuf from 'protobufjs';
import { type AnyField, CompiledTypes, Scope, typeOf } from './compiled-types.js';
import { MessageWriter } from './message-writer.js';

type Write = (message: object, to: MessageWriter) => void;

const varintType = 0;
const lengthType = 2;

/** How the contract's scalars are written; a type that it does not use yet has to be added here. */
const scalars: Record<string, { wire: number; code(value: string): string }> = {
  int32: { wire: varintType, code: (value) => `to.varint(${value});` },
  int64: { wire: varintType, code: (value) => `to.varint(${value});` },
  bool: { wire: varintType, code: (value) => `to.varint(${value} ? 1 : 0);` },
  string: { wire: lengthType, code: (value) => `to.string(${value});` },
  bytes: { wire: lengthType, code: (value) => `to.bytes(${value});` },
};

const writers = new CompiledTypes(compile);

function compile(type: protobuf.Type): Write {
  const scope = new Scope();
  const code = protobuf.util.codegen(['message', 'to'], `write${type.name}`);
  code('let value;');
  for (const field of type.fieldsArray) {
    code(`value = message[${JSON.stringify(field.name)}];`);
    code(`if (${thereIs(field, scope)}) { ${fieldCode(field, scope)} }`);
  }
  return code(scope.values) as unknown as Write;
}

/** A field that has the value it would have if it were left out is left out, unless being there says something. */
function thereIs(field: AnyField, scope: Scope): string {
  const there = 'value !== undefined && value !== null';
  const { repeated, map, partOf, resolvedType, type } = field;
  if (repeated || map || partOf !== null || resolvedType instanceof protobuf.Type) return there;
  if (resolvedType instanceof protobuf.Enum) {
    return `${there} && value !== 0 && value !== ${scope.name('zero', resolvedType.valuesById[0])}`;
  }
  if (type === 'string') return `${there} && value !== ''`;
  return type === 'bool' ? 'value' : `${there} && value !== 0`;
}

function fieldCode(field: AnyField, scope: Scope): string {
  const { id } = field;
  if (field instanceof protobuf.MapField) {
    if (field.keyType !== 'string')
      throw new TypeError(`${field.fullName} has keys of type ${field.keyType}`);
    const entry = `to.varint(10); to.string(key); ${tagged(field, 2, 'value[key]', scope)}`;
    return `for (const key of Object.keys(value)) { ${tag(id, lengthType)} ${within(entry)} }`;
  }
  if (!field.repeated) return tagged(field, id, 'value', scope);
  const packs = !(field.resolvedType instanceof protobuf.Type) && wireOf(field) !== lengthType;
  if (!packs) return `for (const one of value) { ${tagged(field, id, 'one', scope)} }`;
  const all = `for (const one of value) { ${valueCode(field, 'one', scope)} }`;
  return `if (value.length > 0) { ${tag(id, lengthType)} ${within(all)} }`;
}

const tag = (id: number, wire: number) => `to.varint(${(id << 3) | wire});`;

/** Something with its length before it. */
const within = (code: string) => `{ const start = to.begin(); ${code} to.end(start); }`;

function tagged(field: AnyField, id: number, value: string, scope: Scope): string {
  return `${tag(id, wireOf(field))} ${valueCode(field, value, scope)}`;
}

function valueCode({ resolvedType, type, fullName }: AnyField, value: string, scope: Scope): string {
  if (resolvedType instanceof protobuf.Type) {
    return within(`${scope.name('writer', writers.of(resolvedType))}.run(${value}, to);`);
  }
  if (resolvedType instanceof protobuf.Enum) {
    return `to.varint(${scope.name('numberOf', numbering(resolvedType))}(${value}));`;
  }
  const scalar = scalars[type];
  if (scalar === undefined) throw new TypeError(`${fullName} is of type ${type}, which is not written yet`);
  return scalar.code(value);
}

function wireOf({ resolvedType, type }: AnyField): number {
  if (resolvedType instanceof protobuf.Type) return lengthType;
  if (resolvedType instanceof protobuf.Enum) return varintType;
  return scalars[type]?.wire ?? lengthType;
}

/** The number of a value of an enumeration that is given by name, or by number. */
function numbering({ values, fullName }: protobuf.Enum): (value: unknown) => number {
  const numbers = new Map(Object.entries(values));
  return (value) => {
    const number = typeof value === 'number' ? value : numbers.get(String(value));
    if (number === undefined) throw new TypeError(`${String(value)} is no value of ${fullName}`);
    return number;
  };
}

/** All messages are written here, one after the other. */
const writer = new MessageWriter();

/**
 * The function that writes messages of this full name, e.g. `secovia.v1.Vm`. It takes what the loader's serializer takes.
 *
 * @throws Error when the contract has no such message. What it returns throws a TypeError for a name that an enumeration
 * does not have.
 */
export function encoderOf(fullName: string): (message: object) => Buffer {
  const made = writers.of(typeOf(fullName));
  return (message) => {
    writer.clear();
    made.run(message, writer);
    return writer.take();
  };
}
