/**
 * Handing running VMs over to other hosts: the part of the settings that says how this host is reached, whom it hands VMs
 * to, and how they travel. Left out, this host takes no running VM and hands none over.
 */
import { z } from 'zod';
import { isPeerPattern, isPeerUri, peerUriForm } from './converge/peer-uri.js';

const mostPeers = 1_000;

export const migrationSetting = z
  .strictObject(
    {
      /** How libvirtd of other hosts reaches the one of this host; empty when it takes no running VM. */
      uri: z
        .string(`must be like ${peerUriForm}`)
        .refine((uri) => uri === '' || isPeerUri(uri), `must be like ${peerUriForm}`)
        .default(''),
      /** Whom this host hands running VMs to. */
      peers: z
        .array(
          z
            .string(`must be like ${peerUriForm}`)
            .refine(isPeerPattern, `must be like ${peerUriForm}; a host may begin with *. for any one label`),
          'must be a list of addresses',
        )
        .max(mostPeers, `must be a list of at most ${mostPeers} addresses`)
        .default([]),
      /** A guest's memory travels encrypted, which QEMU needs certificates for. */
      tls: z.boolean('must be true or false').default(true),
      /** Do not ask whether the disk is really the same on both hosts. */
      unsafe: z.boolean('must be true or false').default(false),
    },
    'must be settings such as uri and peers',
  )
  .prefault({});

export type MigrationSettings = z.infer<typeof migrationSetting>;
