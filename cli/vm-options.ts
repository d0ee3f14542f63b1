/** The options that several VM commands take, and how they name the VM that is meant. */
import { Option } from 'commander';
import { flag, folded, option } from './command.js';
import type { Context } from './context.js';
import { resourceName, vmName } from './values/names.js';
import { addLabel } from './values/words.js';

export interface AdministrationOption {
  /** `administrations/{administration}`. */
  administration?: string;
}

export interface ChangeOptions extends AdministrationOption {
  wait?: true;
  etag?: string;
}

export function administrationOption(): Option {
  return option('-A, --administration <administration>', 'whose VM (env SECOVIA_ADMINISTRATION)', (text) =>
    resourceName('administrations', text),
  );
}

export function waitOption(): Option {
  return flag('--wait', 'wait until it has ended, with live progress');
}

export function etagOption(): Option {
  return option('--etag <etag>', 'only if the VM has not changed since it had this etag');
}

export const priorityNames = {
  spare: 'VM_PRIORITY_SPARE',
  low: 'VM_PRIORITY_LOW',
  normal: 'VM_PRIORITY_NORMAL',
  high: 'VM_PRIORITY_HIGH',
  critical: 'VM_PRIORITY_CRITICAL',
} as const;

export type PriorityName = keyof typeof priorityNames;

export function priorityOption(): Option {
  return new Option('--priority <class>', 'who gives way to whom when there is no room').choices(
    Object.keys(priorityNames),
  );
}

export function dataClassOption(): Option {
  return option('--data-class <class>', 'how sensitive its data are (default: internal)', (text) =>
    resourceName('dataClasses', text),
  );
}

export function labelOption(): Option {
  return folded('--label <key=value>', 'a label', addLabel);
}

/** `administrations/{administration}` from the flag or the environment. */
export function administrationOf(
  context: Context,
  { administration }: AdministrationOption,
): string | undefined {
  const fallback = context.settings.administration;
  return administration ?? (fallback === undefined ? undefined : resourceName('administrations', fallback));
}

/** The contract's names of the VMs that were typed. */
export function namedVms(
  context: Context,
  words: readonly string[],
  options: AdministrationOption,
): string[] {
  const administration = administrationOf(context, options);
  return words.map((word) => vmName(word, administration));
}
