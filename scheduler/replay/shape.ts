/** Host shapes as they are written: `64c/256G` is 64 vCPUs and 256 GiB of memory. */
import type { HostShape } from './replay.js';

const form = /^(\d{1,5})c\/(\d{1,6})(M|G|T)(i?B?)$/i;
const mibPer: Record<string, number> = { M: 1, G: 1024, T: 1024 ** 2 };

/** The shape, or null when the text is none. */
export function shapeOf(text: string): HostShape | null {
  const [, vcpus, amount, unit] = form.exec(text.trim()) ?? [];
  if (vcpus === undefined || amount === undefined || unit === undefined) return null;
  const shape = { vcpus: Number(vcpus), memoryMib: Number(amount) * (mibPer[unit.toUpperCase()] as number) };
  return shape.vcpus > 0 && shape.memoryMib > 0 && shape.memoryMib < 2 ** 31 ? shape : null;
}

export function shapeText({ vcpus, memoryMib }: HostShape): string {
  return memoryMib % 1024 === 0 ? `${vcpus}c/${memoryMib / 1024}G` : `${vcpus}c/${memoryMib}M`;
}
