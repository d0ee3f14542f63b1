/** One way to power a host off, as the settings have it. */
export interface FenceMethod {
  /** One of the fence-agents, for example `fence_ipmilan`. */
  program: string;
  /** As the program knows them; without the password. */
  options: Readonly<Record<string, string>>;
  passwordFile?: string | undefined;
  /** Program and arguments. */
  guidCommand?: readonly string[] | undefined;
  /** For all of it: reading the GUID, switching off, reading back. */
  timeoutSeconds: number;
}

/** By the names of hosts; methods in the order in which they are tried. */
export type FenceTargets = Readonly<Record<string, readonly FenceMethod[]>>;
