/**
 * What differs between the drivers of libvirt that the agent works with: QEMU on a real host, and libvirt's own
 * test driver, which lives inside the agent's process, boots nothing and has no files. Each difference is named
 * here, so that the rest of the adapter asks instead of guessing.
 */
export interface DriverProfile {
  driver: 'qemu' | 'test';
  /** One connection for everything: the test driver's state belongs to its process and ends with the last one. */
  sharedConnection: boolean;
  /** Volumes are files that can be renamed, looked at and moved. */
  volumesAreFiles: boolean;
  /** One call tells the state of all domains. */
  hasStatsOfAll: boolean;
  undefineNvram: boolean;
  /** What a vCPU runs on can be changed after the domain is defined. */
  canPin: boolean;
  /** The disk of a domain can grow while it runs. */
  growsOpenVolumes: boolean;
  /** The daemon can fall silent, so it is asked every few seconds whether it still answers. */
  heartbeat: boolean;
}

const qemu: DriverProfile = {
  driver: 'qemu',
  sharedConnection: false,
  volumesAreFiles: true,
  hasStatsOfAll: true,
  undefineNvram: true,
  canPin: true,
  growsOpenVolumes: true,
  heartbeat: true,
};

const test: DriverProfile = {
  driver: 'test',
  sharedConnection: true,
  volumesAreFiles: false,
  hasStatsOfAll: false,
  undefineNvram: false,
  canPin: false,
  growsOpenVolumes: false,
  heartbeat: false,
};

export function profileOf(uri: string): DriverProfile {
  return uri.startsWith('test:') ? test : qemu;
}
