/** `secovia image add`. */
import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Option } from 'commander';
import { defineCommand, option } from '../../command.js';
import { usageFailure } from '../../failure.js';
import { type ImageFormat, type LocalImage, readLocalImage } from '../../images/local-image.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';
import { formatBytes, formatMib, parseSizeBytes, parseSizeMib } from '../../values/sizes.js';
import { parseDigest } from '../../values/words.js';

interface Options {
  file?: string;
  source?: string;
  format?: ImageFormat;
  digest?: string;
  size?: number;
  virtualSize?: number;
  architecture: string;
  title?: string;
}

const formats = { qcow2: 'IMAGE_FORMAT_QCOW2', raw: 'IMAGE_FORMAT_RAW' } as const;

export const imageAdd = defineCommand<Options>({
  usage: 'image add <name>',
  summary: 'Add a disk image to the catalogue',
  description:
    'Agents fetch the image from its source and hold it against digest and size. For a file on this machine ' +
    'these are worked out here; for one that only the agents can reach, say --digest, --size, --virtual-size and --format.',
  examples: [
    'secovia image add tiny --source file:///srv/images/tiny.qcow2',
    'secovia image add tiny --file tiny.qcow2 --source https://images.example.org/tiny.qcow2',
    'secovia image add big --source https://images.example.org/big.raw --format raw \\',
    '    --digest sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae --size 2GiB --virtual-size 2GiB',
  ],
  options: [
    option('--file <path>', 'a copy on this machine, to work digest, size and format out of'),
    option('--source <url>', 'where agents fetch it: https://, http:// or file:// (default: the --file)'),
    new Option('--format <format>', 'of the file (default: as the file says)').choices(['qcow2', 'raw']),
    option('--digest <digest>', 'sha256: and 64 digits, of the file as it is fetched', parseDigest),
    option('--size <size>', 'of the file as it is fetched: bytes, or e.g. 12MiB', parseSizeBytes),
    option('--virtual-size <size>', 'of the disk that a guest sees, e.g. 1GiB', parseSizeMib),
    new Option('--architecture <architecture>', 'of the machines that can run it')
      .choices(['x86_64', 'aarch64'])
      .default('x86_64'),
    option('--title <text>', 'a name for people'),
  ],
  async run(context, [imageId = ''], options) {
    const { source, path } = whereabouts(options);
    const found =
      path === undefined
        ? asSaid(options, source)
        : agreeing(await readLocalImage(path, options.format, context.world.interrupted), options);
    const connection = await context.connection();
    const response = await connection.mutate('ImageService', 'CreateImage', {
      imageId: shortName(resourceName('images', imageId)),
      image: {
        title: options.title ?? '',
        digest: found.digest,
        format: formats[found.format],
        sizeBytes: found.sizeBytes,
        virtualSizeMib: found.virtualSizeMib,
        source,
        architecture: options.architecture,
      },
    });
    const name = response.image?.name ?? '';
    await present(context, {
      service: 'ImageService',
      method: 'CreateImage',
      response,
      names: [name],
      text: () =>
        `added image ${shortName(name)}: ${found.format}, ${formatBytes(found.sizeBytes)}, ` +
        `disk ${formatMib(found.virtualSizeMib)}, ${found.digest}\n`,
    });
  },
});

/** The source for the agents, and the file to read here, if there is one. */
function whereabouts({ file, source }: Options): { source: string; path: string | undefined } {
  if (file !== undefined) {
    const path = resolve(file);
    return { source: source ?? pathToFileURL(path).href, path };
  }
  if (source === undefined) throw usageFailure('where is the image? Say --file PATH or --source URL.');
  if (!source.startsWith('file:')) return { source, path: undefined };
  let path: string;
  try {
    path = fileURLToPath(source);
  } catch {
    throw usageFailure(`${source} is not the URL of a file: write file:// and an absolute path.`);
  }
  return { source, path: canRead(path) ? path : undefined };
}

/** For a file that cannot be read here, everything must be said. */
function asSaid({ digest, size, virtualSize, format }: Options, source: string): LocalImage {
  if (digest !== undefined && size !== undefined && virtualSize !== undefined && format !== undefined) {
    return { digest, sizeBytes: size, virtualSizeMib: virtualSize, format };
  }
  const missing = [
    digest === undefined ? '--digest' : '',
    size === undefined ? '--size' : '',
    virtualSize === undefined ? '--virtual-size' : '',
    format === undefined ? '--format' : '',
  ].filter(Boolean);
  throw usageFailure(
    `${source} cannot be read from here, so say ${missing.join(', ')} as well; or point --file at a copy.`,
  );
}

/** What was said beside a readable file must agree with the file. */
function agreeing(found: LocalImage, said: Options): LocalImage {
  if (said.digest !== undefined && said.digest !== found.digest) {
    throw usageFailure(`the file has digest ${found.digest}, not the one that --digest says.`);
  }
  if (said.size !== undefined && said.size !== found.sizeBytes) {
    throw usageFailure(`the file has ${found.sizeBytes} bytes, not the ${said.size} that --size says.`);
  }
  if (said.virtualSize !== undefined && said.virtualSize !== found.virtualSizeMib) {
    throw usageFailure(
      `the file holds a disk of ${found.virtualSizeMib}MiB, not the ${said.virtualSize}MiB that --virtual-size says.`,
    );
  }
  return found;
}

function canRead(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
