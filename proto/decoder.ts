/**
 * Bytes to plain objects. protobufjs reads the bytes into a message object of its own; the loader then copies that field by
 * field into an empty object, which is moved to a larger place again and again while it grows: for a VM that is more
 * memory than all else that its creation takes. This one writes all fields down at once, by a function that is made for
 * each type of message, and takes over lists and maps as they were read. A test holds both to the same result.
 */
import protobuf from 'protobufjs';
import { type AnyField, CompiledTypes, Scope, typeOf } from './compiled-types.js';

type Plain = Record<string, unknown>;
type Copy = (message: object) => Plain;

const copiers = new CompiledTypes(compile);

/** A field of a oneof is there only when it was sent; all others always are. */
function compile(type: protobuf.Type): Copy {
  const scope = new Scope();
  const always = type.fieldsArray.filter(({ partOf }) => partOf === null);
  const sometimes = type.fieldsArray.filter(({ partOf }) => partOf !== null);
  const code = protobuf.util.codegen(['message'], `plain${type.name}`);
  code(`const plain = { ${always.map((field) => `${nameOf(field)}: ${fieldCode(field, scope)}`).join()} };`);
  for (const field of sometimes) {
    const choice = JSON.stringify(field.partOf?.name);
    code(`if (${has(field)}) {`);
    code(
      `plain[${nameOf(field)}] = ${valueCode(field, sent(field), scope)}; plain[${choice}] = ${nameOf(field)};`,
    );
    code('}');
  }
  code('return plain;');
  return code(scope.values) as unknown as Copy;
}

const nameOf = ({ name }: AnyField) => JSON.stringify(name);
const sent = (field: AnyField) => `message[${nameOf(field)}]`;

function fieldCode(field: AnyField, scope: Scope): string {
  const value = sent(field);
  if (field.map || field.repeated) {
    const one = valueCode(field, 'value', scope);
    // What needs no change is nobody else's, except where nothing was sent.
    const isPlain = one === 'value';
    if (field.repeated) return `${has(field)} ? ${isPlain ? value : `${value}.map((value) => ${one})`} : []`;
    const copy = isPlain ? value : `${scope.name('mapped', mapped)}(${value}, (value) => ${one})`;
    return `${has(field)} ? ${copy} : {}`;
  }
  if (field.resolvedType instanceof protobuf.Type) {
    return `${has(field)} ? ${valueCode(field, value, scope)} : null`;
  }
  if (field.type === 'bytes') return `${has(field)} ? ${value} : ${scope.name('noBytes', noBytes)}()`;
  return valueCode(field, value, scope);
}

const has = (field: AnyField) => `Object.hasOwn(message, ${nameOf(field)})`;

function valueCode(field: AnyField, value: string, scope: Scope): string {
  const { resolvedType } = field;
  if (resolvedType instanceof protobuf.Type) {
    return `${scope.name('copier', copiers.of(resolvedType))}.run(${value})`;
  }
  if (resolvedType instanceof protobuf.Enum) {
    const { valuesById } = resolvedType;
    // Numbers that the contract does not know stay numbers.
    return `(${scope.name('names', valuesById)}[${value}] ?? ${value})`;
  }
  return field.type.endsWith('64') ? `${scope.name('numberIn', numberIn)}(${value})` : value;
}

function mapped(map: Plain, change: (value: unknown) => unknown): Plain {
  // With `__proto__` as a key, too, which an assignment would take for something else.
  return Object.fromEntries(Object.keys(map).map((key) => [key, change(map[key])]));
}

function noBytes(): Buffer {
  return Buffer.alloc(0);
}

function numberIn(value: number | { toNumber(): number }): number {
  return typeof value === 'number' ? value : value.toNumber();
}

/**
 * The function that reads messages of this full name, e.g. `secovia.v1.Vm`. It gives what the loader's deserializer gives.
 *
 * @throws Error when the contract has no such message. What it returns throws for bytes that are no such message.
 */
export function decoderOf(fullName: string): (bytes: Uint8Array) => object {
  const type = typeOf(fullName);
  const copier = copiers.of(type);
  return (bytes) => copier.run(type.decode(bytes));
}
