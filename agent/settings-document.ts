/** The settings file as a document that is written to: its other settings and its comments stay. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Document, parseDocument } from 'yaml';
import { ConfigError } from './config.js';

export class SettingsDocument {
  readonly #document: Document;

  /** @throws ConfigError for a file that is no YAML. */
  constructor(readonly path: string) {
    this.#document = readDocument(path);
  }

  get exists(): boolean {
    return existsSync(this.path);
  }

  /** Sets these, and takes out what is undefined. */
  write(settings: Record<string, string | boolean | undefined>): void {
    for (const [key, value] of Object.entries(settings)) {
      if (value === undefined) this.#document.delete(key);
      else this.#document.set(key, value);
    }
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o755 });
    const temporary = `${this.path}.new`;
    writeFileSync(temporary, this.#document.toString(), { mode: 0o600 });
    renameSync(temporary, this.path);
  }
}

function readDocument(path: string): Document {
  if (!existsSync(path)) return new Document({});
  const document = parseDocument(readFileSync(path, 'utf8'));
  const [error] = document.errors;
  if (error !== undefined) throw new ConfigError(`${path} is not YAML: ${error.message.split('\n')[0]}`);
  return document;
}
