/**
 * Plants a bug: the compiled text of one module of the product is changed as it is loaded, in this process alone. So the
 * product has no switch for it, and any line of it can be made wrong.
 */
import { register } from 'node:module';

export interface Mutant {
  name: string;
  /** The rule of PROTOCOL.md that it breaks. */
  rule: string;
  /** What is wrong with it, in words. */
  bug: string;
  /** In the source tree, as `scheduler/engine.ts`. */
  file: string;
  /** A part of the compiled text that occurs once, and what stands there instead. */
  from: string;
  to: string;
  /** One that finds it, where the first ones do not: the search begins there. */
  seed?: number;
  /** It is found by quarters of an hour of 12 hosts and 40 VMs, as `seeds.test.ts` plays them, and not soon by larger ones. */
  inSmall?: boolean;
  /** It takes many seeds to be found: README.md says how many, and no test looks for it. */
  late?: true;
}

/** To be called before the product is imported. */
export function plant({ file, from, to }: Mutant): void {
  const path = `dist/${file.replace(/\.ts$/, '.js')}`;
  const hooks = `
    let mutation;
    export function initialize(data) { mutation = data; }
    export async function load(url, context, next) {
      const loaded = await next(url, context);
      if (!url.endsWith(mutation.path)) return loaded;
      const text = loaded.source.toString();
      if (text.split(mutation.from).length !== 2) throw new Error('the mutant does not fit ' + mutation.path);
      return { ...loaded, source: text.split(mutation.from).join(mutation.to) };
    }`;
  register(`data:text/javascript,${encodeURIComponent(hooks)}`, { data: { path, from, to } });
}
