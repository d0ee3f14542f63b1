/** Images as people see them. */
import type { Image__Output } from '../../proto/gen/secovia/v1/Image.js';
import type { Paint } from '../output/colours.js';
import { sheet } from '../output/sheet.js';
import type { Column } from '../output/table.js';
import { formatAge, formatMoment, timestampMs } from '../values/durations.js';
import { shortName } from '../values/names.js';
import { formatBytes, formatMib } from '../values/sizes.js';
import { stateWord } from './enums.js';

export function imageColumns(nowMs: number): Column<Image__Output>[] {
  return [
    { head: 'NAME', value: (image) => shortName(image.name) },
    { head: 'FORMAT', value: (image) => stateWord(image.format).toLowerCase() },
    { head: 'SIZE', value: (image) => formatBytes(image.sizeBytes), align: 'right' },
    { head: 'DISK', value: (image) => formatMib(image.virtualSizeMib), align: 'right' },
    { head: 'ARCHITECTURE', value: (image) => image.architecture },
    { head: 'AGE', value: (image) => formatAge(timestampMs(image.createTime), nowMs), align: 'right' },
    { head: 'TITLE', value: (image) => image.title },
  ];
}

export function imageSheet(image: Image__Output, nowMs: number, paint: Paint): string {
  return sheet(
    [
      ['Name', shortName(image.name)],
      ['Title', image.title],
      ['Format', stateWord(image.format).toLowerCase()],
      ['Architecture', image.architecture],
      ['Size', `${formatBytes(image.sizeBytes)} (${image.sizeBytes} bytes)`],
      ['Disk', formatMib(image.virtualSizeMib)],
      ['Digest', image.digest],
      ['Source', image.source],
      ['Etag', image.etag],
      ['Created', formatMoment(timestampMs(image.createTime), nowMs)],
    ],
    paint,
  );
}
