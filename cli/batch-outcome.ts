/**
 * What a batch came to, for people: of ten thousand VMs the first few rows and a sum, and of the VMs that were refused
 * the first few reasons.
 */
import type { BatchCreateVmsResponse__Output } from '../proto/gen/secovia/v1/BatchCreateVmsResponse.js';
import type { RefusedVm__Output } from '../proto/gen/secovia/v1/RefusedVm.js';
import type { Vm__Output } from '../proto/gen/secovia/v1/Vm.js';
import type { Context } from './context.js';
import { exitCodes, Failure } from './failure.js';
import { type Column, Table } from './output/table.js';

/** Rows of VMs that a person is shown. */
export const mostShownVms = 20;
const mostShownRefusals = 5;

/** The first rows, and how many there are beyond them. */
export async function firstVms(
  context: Context,
  vms: readonly Vm__Output[],
  columns: Column<Vm__Output>[],
): Promise<string> {
  if (vms.length === 0) return '';
  const rows = await new Table(columns, context.paint).page(vms.slice(0, mostShownVms));
  const more = vms.length - mostShownVms;
  return more > 0 ? `${rows}... and ${more} more\n` : rows;
}

/** The failure when VMs of a batch were refused while others were made; undefined when none was. */
export async function refusalFailure({
  vms,
  refused,
}: Pick<BatchCreateVmsResponse__Output, 'vms' | 'refused'>): Promise<Failure | undefined> {
  if (refused.length === 0) return undefined;
  const lines: string[] = [];
  for (const each of refused.slice(0, mostShownRefusals)) lines.push(await refusalLine(each));
  const more = refused.length - mostShownRefusals;
  if (more > 0) lines.push(`  ... and ${more} more; --output json has all of them`);
  const all = vms.length + refused.length;
  return new Failure(`${refused.length} of ${all} VMs were refused:`, exitCodes.refused, lines);
}

async function refusalLine({ vmId, status }: RefusedVm__Output): Promise<string> {
  const { statusSentence } = await import('./client/operation-failure.js');
  return `  ${vmId}: ${status === null ? 'refused' : statusSentence(status)}`;
}
