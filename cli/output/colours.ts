/** Colours for states, on a terminal only. The word is always there as well: colour adds, it never replaces. */
import { styleText } from 'node:util';

export type Tone = 'good' | 'busy' | 'bad' | 'dull' | 'strong';

export type Paint = (tone: Tone | undefined, text: string) => string;

const formats: Record<Tone, Parameters<typeof styleText>[0]> = {
  good: 'green',
  busy: 'yellow',
  bad: 'red',
  dull: 'gray',
  strong: 'bold',
};

export const plain: Paint = (_tone, text) => text;

/** Whether there is a terminal has been decided before; Node need not look again. */
export const coloured: Paint = (tone, text) =>
  tone === undefined ? text : styleText(formats[tone], text, { validateStream: false });

const tones: Record<string, Tone> = {
  RUNNING: 'good',
  READY: 'good',
  SUCCEEDED: 'good',
  ACTIVE: 'good',
  IN_FORCE: 'good',
  PLACED: 'busy',
  PREPARING: 'busy',
  STARTING: 'busy',
  STOPPING: 'busy',
  DELETING: 'busy',
  JOINED: 'busy',
  SUSPECT: 'busy',
  UNKNOWN: 'busy',
  PLANNED: 'busy',
  NOTICE: 'busy',
  STOPPED: 'dull',
  DELETED: 'dull',
  RETIRED: 'dull',
  CANCELLED: 'dull',
  RECALLED: 'dull',
  EXPIRED: 'dull',
  ENDED: 'dull',
  PAUSED: 'bad',
  CRASHED: 'bad',
  MISSING: 'bad',
  FAILED: 'bad',
  LOST: 'bad',
  FENCED: 'bad',
  QUARANTINED: 'bad',
  CRITICAL: 'bad',
  WARNING: 'busy',
};

/** The tone of a state's first word. */
export function stateTone(state: string): Tone | undefined {
  return tones[state.split(' ', 1)[0]!];
}
