/**
 * Whom this host can power off, and how: the part of the settings that names management controllers. Addresses and
 * passwords stay here. The scheduler learns the names of hosts and methods, and the controllers' GUIDs.
 */
import { z } from 'zod';

/** The field's own drivers have such names; what has another name is not run. */
const programName = /^fence_[a-z0-9_]+$/;
const optionName = /^[a-z][a-z0-9_]*$/;
/** Given by file, or not at all; and what is done is not for the settings to say. */
const reserved = new Set(['action', 'option', 'password', 'passwd', 'password_script', 'passwd_script']);
const mostMethods = 8;
const longestText = 1024;

const path = z.string().startsWith('/', 'must be an absolute path').max(longestText);
const word = z
  .string()
  .min(1)
  .max(longestText)
  .regex(/^[^\p{Cc}]*$/u, 'has control characters');

/** A program and its arguments. */
export const commandSetting = z.array(word, 'must be a list: a program and its arguments');

const optionWords = 'must be a text of one line, a number, true or false';
const optionText = z.union(
  [
    z.boolean().transform((on) => (on ? '1' : '0')),
    z.number().transform(String),
    z
      .string()
      .max(longestText, optionWords)
      .regex(/^[^\p{Cc}]*$/u, optionWords),
  ],
  optionWords,
);

const method = z.strictObject({
  program: z.string().regex(programName, 'must be one of the fence-agents, such as fence_ipmilan'),
  options: z
    .record(z.string(), optionText)
    .default({})
    .superRefine((options, context) => {
      for (const name of Object.keys(options)) {
        const secret = name.startsWith('pass');
        if (reserved.has(name)) {
          const message = secret ? `must not have ${name}: name a passwordFile` : `must not have ${name}`;
          context.addIssue({ code: 'custom', message });
        } else if (!optionName.test(name)) {
          context.addIssue({ code: 'custom', message: `has ${name}, which is not the name of an option` });
        }
      }
    }),
  /** Holds the password and nothing else; only for its owner to read. */
  passwordFile: path.optional(),
  /** Prints the controller's GUID, given the options as the program is; for what ipmitool cannot ask. */
  guidCommand: commandSetting.min(1, 'must be a list: a program and its arguments').optional(),
  timeoutSeconds: z.int().min(5, 'must be 5 to 600').max(600, 'must be 5 to 600').default(60),
});

const hostName = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;
const methodWords = `must be a list of 1 to ${mostMethods} methods`;

/** By the names of hosts; the methods in the order in which they are tried. */
export const fencingSetting = z
  .record(
    z.string(),
    z.array(method, methodWords).min(1, methodWords).max(mostMethods, methodWords),
    'must name hosts, each with a list of methods',
  )
  .refine(
    (targets) => Object.keys(targets).every((host) => hostName.test(host)),
    'names a host as none can be named',
  );
