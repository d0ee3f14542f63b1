/** What the sources of the house look at, read from their syntax: imports with their kind, and names of the world. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../../', import.meta.url));

export interface Import {
  from: string;
  /** A file from the root, or the name of a package. */
  to: string;
  /** Nothing of it is there at run time. */
  typeOnly: boolean;
}

/** A name that a file uses without having declared it, such as `Date`, or a word such as `await`. */
export interface Use {
  from: string;
  name: string;
}

export interface Source {
  imports: Import[];
  uses: Use[];
}

/** Everything that reads a clock, draws a number, waits, or reaches outside. */
const worldly = new Set([
  'Date',
  'Math.random',
  'process',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'Promise',
  'async',
  'await',
  'crypto',
  'fetch',
  'console',
  'globalThis',
  'global',
  'eval',
]);

export function sourcesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.includes('node_modules') && !file.startsWith('gen/'))
    .map((file) => join(folder, file));
}

export function read(file: string): Source {
  return parse(file, readFileSync(join(root, file), 'utf8'));
}

export function parse(file: string, text: string): Source {
  const source: Source = { imports: [], uses: [] };
  const add = (target: ts.Node | undefined, typeOnly: boolean) => {
    if (target === undefined || !ts.isStringLiteralLike(target)) return;
    const to = target.text.startsWith('.')
      ? join(dirname(file), target.text).replace(/\.js$/, '.ts')
      : target.text;
    source.imports.push({ from: file, to, typeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier, node.importClause !== undefined && bringsOnlyTypes(node.importClause));
      return;
    }
    if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true);
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false);
    if (isModuleUrl(node)) add(node.arguments?.[0], false);
    const name = worldlyName(node);
    if (name !== null) source.uses.push({ from: file, name });
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true));
  return source;
}

function bringsOnlyTypes(clause: ts.ImportClause): boolean {
  if (clause.isTypeOnly) return true;
  if (clause.name !== undefined || clause.namedBindings === undefined) return false;
  return (
    ts.isNamedImports(clause.namedBindings) && clause.namedBindings.elements.every((one) => one.isTypeOnly)
  );
}

/** `new URL('./worker.js', import.meta.url)`: how a worker is named. */
function isModuleUrl(node: ts.Node): node is ts.NewExpression {
  if (!ts.isNewExpression(node) || node.expression.getText() !== 'URL') return false;
  const [target] = node.arguments ?? [];
  return target !== undefined && ts.isStringLiteralLike(target) && target.text.endsWith('.js');
}

function worldlyName(node: ts.Node): string | null {
  if (ts.isAwaitExpression(node)) return 'await';
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return 'async';
  if (ts.isPropertyAccessExpression(node) && worldly.has(node.getText())) return node.getText();
  if (!ts.isIdentifier(node) || !worldly.has(node.text)) return null;
  const { parent } = node;
  const isMember =
    (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
    ts.isPropertySignature(parent) ||
    (ts.isPropertyAssignment(parent) && parent.name === node) ||
    ts.isPropertyDeclaration(parent) ||
    ts.isMethodDeclaration(parent);
  return isMember ? null : node.text;
}

/** For messages. */
export function shown({ from, to, typeOnly }: Import): string {
  return `${from} -> ${relative('.', to)}${typeOnly ? ' (types)' : ''}`;
}
