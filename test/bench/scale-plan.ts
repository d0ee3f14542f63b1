/** What the processes of the benchmark `scale` know of one another. */

export const image = 'debian-12';

/** A federation that was founded. */
export interface LargeFederation {
  hosts: number;
  vms: number;
  dataDir: string;
  /** The administrator's folder of credentials. */
  admin: string;
  /** The file with the `Identities` of the agents that are to be simulated, and how many they are. */
  identities: string;
  agents: number;
  /** The file with the `Victims` of the churn. */
  victims: string;
}

/** Uids of VMs that the churn may do something to. */
export interface Victims {
  /** On hosts that have an agent. */
  reached: string[];
  /** Of the whole federation. */
  any: string[];
}
