/**
 * Every command, by the word after `secovia`. A group's files are loaded when its word is on the command line, so that
 * neither help nor the Tab key waits for what is not asked for.
 */
import type { CommandDefinition } from '../command.js';
import { alarms } from './alarms.js';
import { completeWords } from './complete.js';
import { completion } from './completion.js';
import { events } from './events.js';
import { settlement } from './settlement.js';
import { usage } from './usage.js';
import { version } from './version.js';
import { whoami } from './whoami.js';

export interface Group {
  word: string;
  summary: string;
  load: () => Promise<readonly CommandDefinition[]>;
}

/** In the order in which the help shows them. */
export const groups: readonly Group[] = [
  {
    word: 'vm',
    summary: 'Virtual machines',
    load: async () => (await import('./vm/index.js')).vmCommands,
  },
  {
    word: 'operation',
    summary: 'Work under way, and how it ended',
    load: async () => (await import('./operation/index.js')).operationCommands,
  },
  {
    word: 'image',
    summary: 'Disk images that VMs start from',
    load: async () => (await import('./image/index.js')).imageCommands,
  },
  {
    word: 'administration',
    summary: 'Territorial administrations, the tenants',
    load: async () => (await import('./administration/index.js')).administrationCommands,
  },
  {
    word: 'quota',
    summary: 'What administrations may use, and how much of it they do',
    load: async () => (await import('./quota/index.js')).quotaCommands,
  },
  {
    word: 'lend',
    summary: 'Quota that administrations lend one another',
    load: async () => (await import('./lend/index.js')).lendCommands,
  },
  {
    word: 'class',
    summary: 'Data classes: how sensitive the data of a VM are',
    load: async () => (await import('./class/index.js')).classCommands,
  },
  {
    word: 'residency',
    summary: 'Where data may be, and VMs that are elsewhere',
    load: async () => (await import('./residency/index.js')).residencyCommands,
  },
  {
    word: 'partner',
    summary: 'Organisations that own data centres',
    load: async () => (await import('./partner/index.js')).partnerCommands,
  },
  {
    word: 'agreement',
    summary: 'What partners let others use of their sites',
    load: async () => (await import('./agreement/index.js')).agreementCommands,
  },
  {
    word: 'site',
    summary: 'Data centres of the partners',
    load: async () => (await import('./site/index.js')).siteCommands,
  },
  {
    word: 'host',
    summary: 'KVM machines of the sites',
    load: async () => (await import('./host/index.js')).hostCommands,
  },
  {
    word: 'token',
    summary: 'Tokens with which new hosts join',
    load: async () => (await import('./token/index.js')).tokenCommands,
  },
  {
    word: 'pool',
    summary: 'Storage that several hosts share',
    load: async () => (await import('./pool/index.js')).poolCommands,
  },
  {
    word: 'federation',
    summary: 'The federation as a whole',
    load: async () => (await import('./federation/index.js')).federationCommands,
  },
  {
    word: 'identity',
    summary: 'Who may call, and with which certificates',
    load: async () => (await import('./identity/index.js')).identityCommands,
  },
  {
    word: 'audit',
    summary: 'What was decided, by whom and why, and how to verify it',
    load: async () => (await import('./audit/index.js')).auditCommands,
  },
];

export const singleCommands: readonly CommandDefinition[] = [
  alarms,
  events,
  usage,
  settlement,
  whoami,
  completion,
  version,
  completeWords,
];
