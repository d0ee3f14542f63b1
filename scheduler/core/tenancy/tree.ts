/**
 * The tree of administrations with what hangs on it: quotas, and what VMs hold by site. An administration's own VMs are
 * summed up by site in cells, which are the truth; what a quota's subtree holds is kept up beside them.
 */
import type { Site } from '../model.js';
import { adjusted, type Held, type Holdings, type Shortage, shortageOf, Sum } from './holdings.js';
import type { Limits, Quota } from './model.js';
import { Rooms } from './rooms.js';
import { countryKey, covers, scopeKey, siteKey } from './scope.js';

/** Shared by all quotas without loans; nobody adds to it. */
const nothing = new Sum();

/** A quota with what is held under it. */
export class Meter {
  readonly used = new Sum();
  borrowed: Sum = nothing;
  lent: Sum = nothing;
  /** The sites on which it holds, if it does not hold everywhere; kept by those who ask. */
  sites: readonly string[] = [];
  /** The quota's limit, with loans. */
  limit: Limits = {};
  readonly #rooms: Rooms;
  readonly row: number;

  constructor(
    public quota: Quota,
    readonly node: Node,
    rooms: Rooms,
  ) {
    this.#rooms = rooms;
    this.row = rooms.take(node.group);
    this.settle();
  }

  /** To be called after the quota or its loans have changed. */
  settle(): void {
    this.limit = adjusted(this.quota.limit, this.borrowed, this.lent);
    this.#rooms.set(this.row, this.limit, this.used);
  }

  forgetLoans(): void {
    this.borrowed = nothing;
    this.lent = nothing;
  }

  /** Notes that a loan adds so much to the limit, or takes it off. */
  lend(amount: Held, sign: 1 | -1): void {
    if (sign === 1) {
      if (this.borrowed === nothing) this.borrowed = new Sum();
      this.borrowed.add(amount, 1);
    } else {
      if (this.lent === nothing) this.lent = new Sum();
      this.lent.add(amount, 1);
    }
  }

  /** Whether loans have changed its limit. */
  get isOnLoan(): boolean {
    return this.borrowed !== nothing || this.lent !== nothing;
  }

  add(held: Held, sign: number): void {
    this.used.add(held, sign);
    this.#rooms.add(this.row, held, sign);
  }

  /** What so much more would exceed; null when nothing. */
  shortage(more: Held): Shortage | null {
    if (this.#rooms.has(this.row, more) && (more.extras === undefined || this.limit.extras === undefined))
      return null;
    return shortageOf(this.limit, this.used, more);
  }

  /** Its row may go to another quota. */
  release(): void {
    this.#rooms.release(this.row);
  }
}

/** What the VMs of one administration hold on one site. */
export class Cell {
  readonly held = new Sum();
  /** How many of them have each data class. */
  readonly classes = new Map<string, number>();
  /** How many of them use the site without an agreement. */
  withoutAgreement = 0;
  /** The quotas that they count in. */
  route: readonly Meter[] = [];
  routeVersion = -1;

  constructor(readonly site: Site) {}
}

export class Node {
  parent: Node | null = null;
  readonly children = new Set<Node>();
  /** By the key of their scope. */
  readonly meters = new Map<string, Meter>();
  /** That of its quotas in `Rooms`; -1 as long as there are none. */
  group = -1;
  /** By site. */
  readonly cells = new Map<string, Cell>();

  constructor(readonly id: string) {}

  /** Itself, and those above it up to the root. */
  *upwards(): Iterable<Node> {
    for (let at: Node | null = this; at !== null; at = at.parent) yield at;
  }

  /** Itself, and all below it. */
  *subtree(): Iterable<Node> {
    yield this;
    for (const child of this.children) yield* child.subtree();
  }

  get depth(): number {
    let depth = 0;
    for (const _ of this.upwards()) depth += 1;
    return depth;
  }

  /** How many levels its subtree has. */
  get height(): number {
    let below = 0;
    for (const child of this.children) below = Math.max(below, child.height);
    return below + 1;
  }
}

export class Tree {
  readonly #nodes = new Map<string, Node>();
  readonly rooms = new Rooms();
  /** Counts what changes routes: quotas that come and go, and moves. */
  #version = 0;

  /** The node of an administration; made when it is first spoken of, as when a child is read before its parent. */
  node(id: string): Node {
    let node = this.#nodes.get(id);
    if (node === undefined) {
      node = new Node(id);
      this.#nodes.set(id, node);
    }
    return node;
  }

  nodes(): Iterable<Node> {
    return this.#nodes.values();
  }

  /** Hangs an administration under another, with what it and those below it hold. */
  hang(id: string, parent: string | null): void {
    const node = this.node(id);
    const held = heldBySite(node);
    this.#count(node.parent, held, -1);
    node.parent?.children.delete(node);
    node.parent = parent === null ? null : this.node(parent);
    node.parent?.children.add(node);
    this.#count(node.parent, held, 1);
    this.#version += 1;
  }

  remove(id: string): void {
    this.hang(id, null);
    this.#nodes.delete(id);
  }

  /** Adds to the quotas of a node and those above it what is held on sites, or takes it off. */
  #count(from: Node | null, held: ReadonlyMap<Site, Holdings>, sign: 1 | -1): void {
    for (const node of from?.upwards() ?? []) {
      for (const meter of node.meters.values()) {
        for (const [site, sum] of held) if (covers(meter.quota.scope, site)) meter.add(sum, sign);
      }
    }
  }

  setQuota(quota: Quota): Meter {
    const node = this.node(quota.administration);
    const key = scopeKey(quota.scope);
    const known = node.meters.get(key);
    if (known !== undefined) {
      known.quota = quota;
      known.settle();
      return known;
    }
    if (node.group < 0) node.group = this.rooms.takeGroup();
    const meter = new Meter(quota, node, this.rooms);
    for (const [site, sum] of heldBySite(node)) if (covers(quota.scope, site)) meter.add(sum, 1);
    node.meters.set(key, meter);
    this.#version += 1;
    return meter;
  }

  removeQuota(administration: string, key: string): void {
    const node = this.node(administration);
    node.meters.get(key)?.release();
    node.meters.delete(key);
    if (node.meters.size === 0 && node.group >= 0) {
      this.rooms.releaseGroup(node.group);
      node.group = -1;
    }
    this.#version += 1;
  }

  cell(node: Node, site: Site): Cell {
    let cell = node.cells.get(site.id);
    if (cell === undefined) {
      cell = new Cell(site);
      node.cells.set(site.id, cell);
    }
    return cell;
  }

  /** Adds what a VM of an administration holds on a site, or takes it off. */
  claim(node: Node, cell: Cell, held: Held, sign: 1 | -1): void {
    cell.held.add(held, sign);
    for (const meter of this.route(node, cell)) meter.add(held, sign);
  }

  /** The quotas that VMs of an administration on a site count in, from its own upwards. */
  route(node: Node, cell: Cell): readonly Meter[] {
    if (cell.routeVersion === this.#version) return cell.route;
    const keys = ['everywhere', countryKey(cell.site.country), siteKey(cell.site.id)];
    const route: Meter[] = [];
    for (const { meters } of node.upwards()) {
      if (meters.size === 0) continue;
      for (const key of keys) {
        const meter = meters.get(key);
        if (meter !== undefined) route.push(meter);
      }
    }
    cell.route = route;
    cell.routeVersion = this.#version;
    return route;
  }
}

/** What the VMs of a subtree hold, by site. */
export function heldBySite(node: Node): Map<Site, Sum> {
  const held = new Map<Site, Sum>();
  for (const { cells } of node.subtree()) {
    for (const { site, held: own } of cells.values()) {
      let sum = held.get(site);
      if (sum === undefined) {
        sum = new Sum();
        held.set(site, sum);
      }
      sum.add(own, 1);
    }
  }
  return held;
}
