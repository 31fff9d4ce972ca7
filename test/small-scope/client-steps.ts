/** What clients tell next, each thing at any moment. */
import {
  type Allocation,
  type AllocClientReport,
  AllocPhase,
  ClientStatus,
  DesiredStatus,
  isClientTerminal,
  isServerTerminal,
  NodeStatus,
} from "@drover/model";
import { mockReport } from "@drover/model/testing";
import type { CommandDraft } from "@drover/server";
import { reportEvals } from "@drover/server/leader-commands";
import { JOB } from "./scope.ts";
import type { Step } from "./steps.ts";
import type { World } from "./world.ts";

export function clients(world: World): Step[] {
  return world.state.allocsByJob(JOB).flatMap((alloc): Step[] => {
    const reports = isOnline(world, alloc) ? nextReports(world, alloc) : [];
    return reports.map(({ label, over }) => ({
      label: named(label, alloc),
      take: () => report(world, alloc, over),
    }));
  });
}

/** Of `clients`, those of what was told to stop. */
export function stops(world: World): Step[] {
  return world.state
    .allocsByJob(JOB)
    .filter((alloc) => isOnline(world, alloc) && nextReport(world, alloc) === STOPPED)
    .map((alloc) => ({
      label: named(STOPPED.label, alloc),
      take: () => report(world, alloc, STOPPED.over),
    }));
}

interface Report {
  readonly label: string;
  readonly over: Partial<AllocClientReport>;
}

function nextReports(world: World, alloc: Allocation): Report[] {
  if (mayBeHeardOfAgain(world, alloc)) return [stillRuns(alloc), STOPPED];
  const next = nextReport(world, alloc);
  return next === null ? [] : [next];
}

const STOPPED = { label: "has stopped", over: { clientStatus: ClientStatus.complete } } as const;

/** Its client ran it, and does not know yet that it was given up with its node. */
export function mayBeHeardOfAgain(world: World, alloc: Allocation): boolean {
  if (world.scope.nodesReturn !== true || alloc.clientSeq === 0) return false;
  return alloc.clientStatus === ClientStatus.lost && alloc.desiredStatus !== DesiredStatus.run;
}

/** It went on while nobody heard of it, and may have become healthy. */
function stillRuns(alloc: Allocation): Report {
  const verdict = alloc.deploymentStatus?.healthy ?? null;
  const over = verdict === null ? HEALTHY : {};
  return { label: "still runs", over };
}

const HEALTHY = { healthy: true, serving: true } as const;

function nextReport(world: World, alloc: Allocation): Report | null {
  if (isClientTerminal(alloc)) return null;
  if (alloc.desiredStatus !== DesiredStatus.run) return STOPPED;
  if (alloc.phase === AllocPhase.prepare) {
    const over = { clientStatus: ClientStatus.pending, prepared: true };
    if (alloc.prepared || isOneOf(world.scope.missing, world, alloc)) return null;
    return { label: "is prepared", over };
  }
  if (alloc.clientStatus === ClientStatus.pending) return { label: "runs", over: {} };
  if (alloc.clientStatus === ClientStatus.unknown) return stillRuns(alloc);
  const verdict = alloc.deploymentStatus?.healthy ?? null;
  if (verdict === true && alloc.serving === false) {
    return { label: "serves again", over: { serving: true } };
  }
  if (verdict !== null) return null;
  return isBad(world, alloc)
    ? { label: "is bad", over: { healthy: false, serving: false } }
    : { label: "is healthy", over: HEALTHY };
}

export function isBad(world: World, alloc: Allocation): boolean {
  return isOneOf(world.scope.bad, world, alloc);
}

function isOneOf(images: readonly string[] = [], world: World, alloc: Allocation): boolean {
  const groups = world.state.allocJob(alloc)?.taskGroups ?? [];
  const [task] = groups.find(({ name }) => name === alloc.taskGroup)?.tasks ?? [];
  const { image } = (task?.config ?? {}) as { readonly image?: string };
  return image !== undefined && images.includes(image);
}

export function isOnline(world: World, alloc: Allocation): boolean {
  return world.state.node(alloc.nodeId)?.status === NodeStatus.ready;
}

export function report(world: World, alloc: Allocation, over: Partial<AllocClientReport>): World {
  const ids = world.ids();
  const told = mockReport(alloc, {
    clientSeq: alloc.clientSeq + 1,
    serving: alloc.serving ?? null,
    ...over,
  });
  const evals = reportEvals(world.state, [told], ids);
  const { proven } = world.progress;
  const name = `${alloc.deploymentId}/${alloc.name}`;
  const isProof = told.healthy === true && !isServerTerminal(alloc) && !proven.has(name);
  const grown = isProof ? new Set([...proven, name]) : proven;
  const draft: CommandDraft = { tag: 7, reports: [told], evals };
  return world.write([draft], { minted: ids.minted, proven: grown });
}

export function named(label: string, alloc: Allocation): string {
  const short = alloc.name.replace(/^[^.]*\./, "");
  return `${short} v${alloc.jobVersion} ${alloc.id.slice(-2)} ${label}`;
}
