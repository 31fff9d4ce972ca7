/** Sorts a group's allocations by what their node and their own state ask for (spec §3.4). */
import {
  type Allocation,
  ClientStatus,
  isServerTerminal,
  isTerminal,
  type Node,
  NodeStatus,
  type TaskGroup,
} from "@drover/model";
import type { Slices } from "../scheduler.ts";
import { inSlices } from "../slices.ts";
import { isCanary, isExpired, lostAfterMs, needsReconnect } from "./alloc-facts.ts";

export const AllocClass = {
  untainted: "untainted",
  migrate: "migrate",
  lost: "lost",
  disconnecting: "disconnecting",
  reconnecting: "reconnecting",
  ignore: "ignore",
  expiring: "expiring",
} as const;
export type AllocClass = (typeof AllocClass)[keyof typeof AllocClass];

export interface ClassifyContext {
  readonly now: number;
  /** The group of the version that the allocation runs. */
  readonly groupOf: (alloc: Allocation) => TaskGroup | undefined;
  readonly node: (id: string) => Node | undefined;
}

/** First match wins; the numbers are those of SPEC.md C1 to C18. */
export function classify(alloc: Allocation, context: ClassifyContext): AllocClass {
  const mayReconnect =
    needsReconnect(alloc) &&
    (alloc.clientStatus === ClientStatus.unknown ||
      alloc.clientStatus === ClientStatus.running ||
      alloc.clientStatus === ClientStatus.failed);
  const hasFailed = alloc.clientStatus === ClientStatus.failed;
  if (mayReconnect && !isServerTerminal(alloc) && hasFailed) return AllocClass.reconnecting; // C1
  if (!mayReconnect && isTerminal(alloc)) return classifyTerminal(alloc); // C2-C5
  const group = context.groupOf(alloc);
  if (isExpired(alloc, group, context.now)) return AllocClass.expiring; // C6
  if (mayReconnect && hasFailed && isServerTerminal(alloc)) return AllocClass.ignore; // C7
  const node = context.node(alloc.nodeId);
  if (node?.status === NodeStatus.disconnected) return classifyDisconnected(alloc, group); // C8-C11
  if (alloc.desiredTransition.migrate === true) return AllocClass.migrate; // C12
  if (node === undefined) return AllocClass.lost; // C15
  if (node.status !== NodeStatus.down) {
    // Until its client has told of it, nobody knows whether it runs: its replacement stays.
    const isTold = alloc.clientStatus !== ClientStatus.unknown;
    return mayReconnect && isTold ? AllocClass.reconnecting : AllocClass.untainted; // C13, C14
  }
  return classifyDown(alloc, group); // C16-C18
}

function classifyTerminal(alloc: Allocation): AllocClass {
  if (isServerTerminal(alloc)) {
    const keeps = alloc.desiredTransition.migrateDisablePlacement === true;
    return keeps ? AllocClass.untainted : AllocClass.ignore; // C2, C3
  }
  const leaves = isCanary(alloc) && alloc.desiredTransition.migrate === true;
  return leaves ? AllocClass.migrate : AllocClass.untainted; // C4, C5
}

function classifyDisconnected(alloc: Allocation, group: TaskGroup | undefined): AllocClass {
  if (alloc.clientStatus === ClientStatus.unknown) return AllocClass.untainted; // C8
  if (alloc.clientStatus === ClientStatus.pending) return AllocClass.lost; // C9
  return lostAfterMs(group) === 0 ? AllocClass.lost : AllocClass.disconnecting; // C10, C11
}

function classifyDown(alloc: Allocation, group: TaskGroup | undefined): AllocClass {
  const isReplaced = group?.disconnect?.replace ?? true;
  if (!isReplaced) {
    if (alloc.clientStatus === ClientStatus.unknown) return AllocClass.untainted; // C16
    if (alloc.clientStatus === ClientStatus.running) return AllocClass.disconnecting; // C17
  }
  return AllocClass.lost; // C18
}

export type Buckets = Record<AllocClass, Allocation[]>;

/** Takes what is left when each class has been taken care of: another class does not compile. */
export function expectNoMore(_others: Readonly<Record<string, never>>): void {}

export function* sortIntoBuckets(
  allocs: Iterable<Allocation>,
  context: ClassifyContext,
): Slices<Buckets> {
  const buckets: Buckets = {
    untainted: [],
    migrate: [],
    lost: [],
    disconnecting: [],
    reconnecting: [],
    ignore: [],
    expiring: [],
  };
  yield* inSlices(allocs, (alloc) => buckets[classify(alloc, context)].push(alloc));
  return buckets;
}
