/** The version of the package that this CLI belongs to. */
import { readFileSync } from 'node:fs';

/** The compiled file lies in dist/cli, two levels below the package's root. */
const manifest = new URL('../../package.json', import.meta.url);

export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  return version;
}
