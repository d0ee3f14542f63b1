/** Where the settings are, apart from what they say: known to commands that need nothing else of them. */
export const defaultConfigPath = '/etc/secovia/agent.yaml';
export const defaultRunDir = '/run/secovia';

export const environmentPrefix = 'SECOVIA_AGENT_';
/** Not a setting: says where the file is. */
export const configVariable = `${environmentPrefix}CONFIG`;

/** The path of the file, and whether somebody asked for it by name: only the default one may be missing. */
export function configPath(sources: { file: string | undefined; environment: NodeJS.ProcessEnv }): {
  path: string;
  named: boolean;
} {
  const named = sources.file ?? sources.environment[configVariable];
  return { path: named ?? defaultConfigPath, named: named !== undefined };
}
