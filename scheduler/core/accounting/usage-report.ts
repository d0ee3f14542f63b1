/** The segments of a span, of one administration's subtree or of all, by administration and VM, in the order of time. */
import { Amounts, partsPerMicro } from './cost.js';
import { exactNumber, halfEven } from './exact.js';
import { owedUnder, type Segment, type Span, type Use } from './segment.js';

interface OfVm {
  administration: string;
  vm: string;
  segments: Segment[];
}

export class UsageReport {
  readonly #vms = new Map<string, OfVm>();

  /** `wants` says whether an administration's use is asked for, as things are when a segment ends. */
  constructor(
    private readonly span: Span,
    private readonly wants: (administration: string) => boolean,
  ) {}

  add(use: Use, fromMs: number, toMs: number): void {
    const from = Math.max(fromMs, this.span.fromMs);
    const to = Math.min(toMs, this.span.toMs);
    if (from >= to || !this.wants(use.administration)) return;
    const { uid, administration, vm } = use;
    let known = this.#vms.get(uid);
    if (known === undefined) {
      known = { administration, vm, segments: [] };
      this.#vms.set(uid, known);
    }
    known.segments.push({ ...use, fromMs: from, toMs: to });
  }

  /** One VM after the other: two that had one name had it one after the other. */
  *segments(): Generator<Segment> {
    const firstMs = ({ segments }: OfVm) => (segments[0] as Segment).fromMs;
    const vms = [...this.#vms.values()].sort(
      (a, b) => compare(a.administration, b.administration) || compare(a.vm, b.vm) || firstMs(a) - firstMs(b),
    );
    for (const { segments } of vms) yield* segments;
  }
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** What a segment costs by itself, in millionths of its currency's main unit, rounded half to even. */
export function costMicros(segment: Segment): number {
  const terms = owedUnder(segment);
  if (terms === null) return 0;
  const amounts = new Amounts();
  amounts.add(segment, segment.toMs - segment.fromMs);
  return exactNumber(halfEven(amounts.cost(terms.price), partsPerMicro));
}
