/**
 * One management controller, asked by one method: with the field's fence-agents, which get their options and the password
 * on stdin, where no list of processes shows them, and with ipmitool for the GUID, which they do not know.
 */
import { oneLine } from '../converge/one-line.js';
import type { FenceAnswer } from './fence.js';
import { readGuid } from './guid.js';
import type { FenceMethod } from './method.js';
import { PasswordProblem, readPassword } from './password.js';
import { findProgram, type ProgramOutcome, runProgram } from './run-program.js';

/** Names under which fence_ipmilan is installed; of those that are true IPMI 2.0 is what they speak unless told otherwise. */
const ipmi: Readonly<Record<string, boolean>> = {
  fence_ipmilan: false,
  fence_ipmilanplus: true,
  fence_ilo3: true,
  fence_ilo4: true,
  fence_ilo5: true,
  fence_idrac: false,
  fence_imm: false,
};
/** What ipmitool calls the options of fence_ipmilan. */
const ipmitoolFlags: readonly (readonly [flag: string, ...options: string[]])[] = [
  ['-H', 'ip', 'ipaddr'],
  ['-p', 'ipport'],
  ['-U', 'username', 'login'],
  ['-C', 'cipher'],
  ['-L', 'privlvl'],
  ['-A', 'auth'],
  ['-t', 'target'],
  ['-N', 'ipmitool_timeout'],
];
const guidLimitMs = 20_000;
const statusOff = 2;
const longestProblem = 300;
/** Shorter values are switches and numbers, which are in every text. */
const shortestSecret = 4;

export class Controller {
  readonly #method: FenceMethod;

  constructor(method: FenceMethod) {
    this.#method = method;
  }

  /** Says `off` or `on`. Changes nothing. */
  async readPower(limitMs: number): Promise<FenceAnswer> {
    return this.#withPassword(async (password) => {
      const outcome = await this.#fenceAgent('status', password, limitMs);
      if ('ok' in outcome) return outcome;
      // 2 is also what a fence-agent ends with when it does not understand its options.
      if (outcome.ended === statusOff && /^Status: OFF$/im.test(outcome.stdout))
        return { ok: true, said: 'off' };
      if (outcome.ended === 0) return { ok: true, said: 'on' };
      return failure(outcome, limitMs);
    });
  }

  async powerOff(limitMs: number): Promise<FenceAnswer> {
    return this.#withPassword(async (password) => {
      const outcome = await this.#fenceAgent('off', password, limitMs);
      if ('ok' in outcome) return outcome;
      return outcome.ended === 0 ? { ok: true, said: '' } : failure(outcome, limitMs);
    });
  }

  /** Says the GUID. Changes nothing. */
  async readGuid(limitMs: number): Promise<FenceAnswer> {
    const { program, guidCommand } = this.#method;
    if (guidCommand === undefined && !Object.hasOwn(ipmi, program)) {
      const problem = `of ${program} nobody knows which controller it reaches: set guidCommand to what prints its GUID`;
      return { ok: false, never: true, problem };
    }
    return this.#withPassword(async (password) => {
      const shorter = Math.min(limitMs, guidLimitMs);
      const outcome =
        guidCommand === undefined
          ? await this.#ipmitool(password, shorter)
          : await run(guidCommand[0] ?? '', guidCommand.slice(1), this.#input('guid', password), {}, shorter);
      if ('ok' in outcome) return outcome;
      if (outcome.ended !== 0) return failure(outcome, shorter);
      const guid = readGuid(outcome.stdout);
      return guid === null
        ? { ok: false, problem: 'it has no GUID that says anything' }
        : { ok: true, said: guid };
    });
  }

  #fenceAgent(action: string, password: string, limitMs: number): Promise<ProgramOutcome | FenceAnswer> {
    return run(this.#method.program, [], this.#input(action, password), {}, limitMs);
  }

  /** As the fence-agents have it: a line for each option. */
  #input(action: string, password: string): string {
    const { options } = this.#method;
    const all = { ...options, action, ...(password === '' ? {} : { password }) };
    return Object.entries(all)
      .map(([name, value]) => `${name}=${value}\n`)
      .join('');
  }

  #ipmitool(password: string, limitMs: number): Promise<ProgramOutcome | FenceAnswer> {
    const { program, options } = this.#method;
    const isPlus = options['lanplus'] === undefined ? ipmi[program] === true : options['lanplus'] !== '0';
    const flags = ipmitoolFlags.flatMap(([flag, ...names]) => {
      const value = names.map((name) => options[name]).find((text) => text !== undefined);
      return value === undefined ? [] : [flag, value];
    });
    const args = ['-I', isPlus ? 'lanplus' : 'lan', ...flags, '-E', 'mc', 'guid'];
    return run('ipmitool', args, '', { IPMITOOL_PASSWORD: password }, limitMs);
  }

  /** What goes wrong is told to the scheduler: neither the password nor an address or a name of the settings is in it. */
  async #withPassword(ask: (password: string) => Promise<FenceAnswer>): Promise<FenceAnswer> {
    const { passwordFile, options } = this.#method;
    try {
      const password = passwordFile === undefined ? '' : await readPassword(passwordFile);
      const answer = await ask(password);
      if (answer.ok) return answer;
      let { problem } = answer;
      if (password !== '') problem = problem.replaceAll(password, '(password)');
      for (const [name, value] of Object.entries(options)) {
        if (value.length >= shortestSecret) problem = problem.replaceAll(value, `(${name})`);
      }
      return { ...answer, problem };
    } catch (error) {
      if (error instanceof PasswordProblem) return { ok: false, problem: error.message };
      throw error;
    }
  }
}

async function run(
  name: string,
  args: readonly string[],
  stdin: string,
  environment: Readonly<Record<string, string>>,
  limitMs: number,
): Promise<ProgramOutcome | FenceAnswer> {
  const program = await findProgram(name);
  if (program === null) {
    return {
      ok: false,
      problem: `${name} is missing: install ${name === 'ipmitool' ? 'ipmitool' : 'fence-agents'}`,
    };
  }
  return runProgram({ program, args, stdin, environment, limitMs });
}

function failure({ ended, stdout, stderr }: ProgramOutcome, limitMs: number): FenceAnswer {
  if (ended === 'timeout') return { ok: false, problem: `no answer in ${Math.ceil(limitMs / 1000)} s` };
  // Warnings of Python come first, and the reason last, behind a time and a level.
  const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '');
  const reason = oneLine((lines.at(-1) ?? '').replace(/^\S+ \S+ ERROR: /, ''), longestProblem);
  return { ok: false, problem: reason === '' ? `it ended with ${ended}` : `${reason} (${ended})` };
}
