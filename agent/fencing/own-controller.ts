/**
 * Which management controller this machine has, asked on the machine itself: the word that another host's fence is held
 * against (PROTOCOL.md F2). A machine without one, or whose controller cannot be asked, is fenced by an operator's word.
 */
import { access } from 'node:fs/promises';
import { oneLine } from '../converge/one-line.js';
import { readGuid } from './guid.js';
import { findProgram, runProgram } from './run-program.js';

const devices = ['/dev/ipmi0', '/dev/ipmi/0', '/dev/ipmidev/0'];
const limitMs = 10_000;
const hourMs = 3_600_000;

export interface OwnController {
  /** 32 lower-case hexadecimal digits; empty when it is not known. */
  guid: string;
  /** Why not, in words; empty when nothing is wrong. */
  problem: string;
}

export class OwnControllerReader {
  #known: OwnController = { guid: '', problem: '' };
  #askedAt = Number.NEGATIVE_INFINITY;

  /** `command` is a program and its arguments, or empty for ipmitool where the machine has IPMI. */
  constructor(
    private readonly command: readonly string[],
    private readonly now: () => number,
  ) {}

  get known(): OwnController {
    return this.#known;
  }

  /** Asks at most once an hour while the answer is good. One that was good before outlives a failure to ask again. */
  async read(): Promise<OwnController> {
    const isFresh = this.#known.guid !== '' && this.now() - this.#askedAt < hourMs;
    if (isFresh) return this.#known;
    this.#askedAt = this.now();
    const answer = await this.#ask();
    this.#known = { guid: answer.guid || this.#known.guid, problem: answer.problem };
    return this.#known;
  }

  async #ask(): Promise<OwnController> {
    const [name = '', ...args] = this.command;
    if (name === '' && !(await hasDevice())) return { guid: '', problem: '' };
    const tool = name === '' ? 'ipmitool' : name;
    const program = await findProgram(tool);
    if (program === null) {
      const what =
        name === '' ? 'ipmitool is missing: install it' : `controllerGuidCommand: ${name} is missing`;
      return { guid: '', problem: what };
    }
    const asked = name === '' ? ['mc', 'guid'] : args;
    const { ended, stdout, stderr } = await runProgram({ program, args: asked, stdin: '', limitMs });
    const guid = ended === 0 ? readGuid(stdout) : null;
    if (guid !== null) return { guid, problem: '' };
    const said = oneLine(ended === 0 ? stdout : stderr || stdout, 200);
    return { guid: '', problem: `${tool} gives no GUID: ${said || ended}` };
  }
}

async function hasDevice(): Promise<boolean> {
  const found = await Promise.all(
    devices.map((path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}
