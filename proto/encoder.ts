/**
 * Messages to bytes without a detour. The loader's own serializer first copies a plain object into a message object,
 * and that into bytes; a server that answers thousands of calls a second feels the copy. This one writes the plain
 * object straight away; a test holds both to the same bytes.
 */
import protobuf from 'protobufjs';
import { contractFiles, protoRoot } from './index.js';

/** What of a message has to be looked into: enumerations are written as numbers, and may stand deeper. */
interface Enumerations {
  fields: { name: string; repeated: boolean; numbers: Record<string, number> }[];
  messages: { name: string; repeated: boolean; type: protobuf.Type }[];
}

const root = new protobuf.Root();
const bundled = root.resolvePath.bind(root);
root.resolvePath = (origin, target) =>
  target.startsWith('google/protobuf/') ? bundled(origin, target) : `${protoRoot}${target}`;
root.loadSync([...contractFiles]).resolveAll();

const known = new Map<protobuf.Type, Enumerations>();

function enumerationsOf(type: protobuf.Type): Enumerations {
  const found = known.get(type);
  if (found !== undefined) return found;
  const result: Enumerations = { fields: [], messages: [] };
  known.set(type, result);
  for (const field of type.fieldsArray) {
    // Maps of the contract have plain values.
    if (field.map) continue;
    const { name, repeated, resolvedType } = field;
    if (resolvedType instanceof protobuf.Enum) {
      result.fields.push({ name, repeated, numbers: resolvedType.values });
    } else if (resolvedType instanceof protobuf.Type && holdsEnumerations(resolvedType, new Set())) {
      result.messages.push({ name, repeated, type: resolvedType });
    }
  }
  return result;
}

function holdsEnumerations(type: protobuf.Type, seen: Set<protobuf.Type>): boolean {
  if (seen.has(type)) return false;
  seen.add(type);
  return type.fieldsArray.some(({ resolvedType }) => {
    if (resolvedType instanceof protobuf.Enum) return true;
    return resolvedType instanceof protobuf.Type && holdsEnumerations(resolvedType, seen);
  });
}

type Plain = Record<string, unknown>;

/** Puts numbers for the names of enumerations, in place. */
function numberEnumerations(type: protobuf.Type, message: Plain): void {
  const { fields, messages } = enumerationsOf(type);
  for (const { name, repeated, numbers } of fields) {
    const value = message[name];
    if (repeated && Array.isArray(value)) message[name] = value.map((one) => numberOf(numbers, one));
    else if (typeof value === 'string') message[name] = numberOf(numbers, value);
  }
  for (const { name, repeated, type: inner } of messages) {
    const value = message[name];
    if (value === null || value === undefined) continue;
    if (repeated) for (const one of value as Plain[]) numberEnumerations(inner, one);
    else numberEnumerations(inner, value as Plain);
  }
}

function numberOf(numbers: Record<string, number>, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const number = numbers[value];
  if (number === undefined) throw new TypeError(`${value} is no value of its enumeration`);
  return number;
}

/**
 * The function that writes messages of this full name, e.g. `secovia.v1.Vm`. It takes what the loader's serializer
 * takes, and may change the names of enumerations in it to numbers, so a message is to be written once.
 */
export function encoderOf(fullName: string): (message: object) => Buffer {
  const type = root.lookupType(fullName);
  return (message) => {
    numberEnumerations(type, message as Plain);
    return type.encode(message).finish() as Buffer;
  };
}
