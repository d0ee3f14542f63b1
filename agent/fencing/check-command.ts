/**
 * `secovia-agent fence-check`: tries every management controller of the settings, as the agent would on an order, up to
 * the point where something would change. What an administrator wants to know before it is needed.
 */
import { Controller } from './controller.js';
import type { FenceMethod, FenceTargets } from './method.js';
import { summary } from './target-watch.js';

export interface CheckOptions {
  /** The name of this host, which nobody asks to fence itself. */
  host: string;
  fencing: FenceTargets;
  /** Of which host; of all when undefined. */
  only: string | undefined;
}

export interface CheckReport {
  /** Lines for people. */
  text: string;
  /** Every controller answers, and may be used. */
  good: boolean;
}

const limitMs = 30_000;

/** Changes nothing. */
export async function checkFencing({ host, fencing, only }: CheckOptions): Promise<CheckReport> {
  const names = Object.keys(fencing)
    .filter((name) => name !== host && (only === undefined || name === only))
    .sort();
  if (only !== undefined && names.length === 0) {
    const why = only === host ? 'a host does not fence itself' : `${only} is not in the fencing settings`;
    return { text: `${why}\n`, good: false };
  }
  if (names.length === 0) return { text: 'no host is in the fencing settings\n', good: true };
  const checked = await Promise.all(names.map((name) => checkHost(name, fencing[name] ?? [])));
  const bad = checked.filter(({ good }) => !good).length;
  const last = bad === 0 ? 'All of them can be fenced.' : `${bad} of ${names.length} cannot be relied on.`;
  const hint = "A host's own word, which its controller's GUID must equal, is in: secovia host show HOST";
  return { text: `${[...checked.map(({ text }) => text), last, hint].join('\n')}\n`, good: bad === 0 };
}

async function checkHost(name: string, methods: readonly FenceMethod[]): Promise<CheckReport> {
  const answers = await Promise.all(
    methods.map(async (method) => {
      const controller = new Controller(method);
      // One after the other: simple controllers have few sessions.
      const guid = await controller.readGuid(limitMs);
      return { method, guid, power: await controller.readPower(limitMs) };
    }),
  );
  const lines = answers.map(({ method, guid, power }) => {
    const identity = guid.ok ? `GUID ${guid.said}` : `its GUID is not known: ${guid.problem}`;
    const state = power.ok ? `power ${power.said}` : `its power cannot be read: ${power.problem}`;
    return `  ${method.program}: ${state}; ${identity}`;
  });
  const { problem } = summary(
    methods,
    answers.map(({ guid }) => guid),
  );
  if (problem.startsWith('its methods')) lines.push(`  ${problem}`);
  const good = problem === '' && answers.every(({ power }) => power.ok);
  return { text: [`${name}  ${good ? 'can be fenced' : 'cannot be relied on'}`, ...lines].join('\n'), good };
}
