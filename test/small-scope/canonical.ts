/**
 * What two worlds must have in common to have the same future, as text: worlds of equal text are
 * explored once. Left out is what no decision looks at (texts, resources, metrics, who ended well
 * and is replaced), and made relative is what is only ever compared:
 *
 *   ids      by rank, of evaluations by their age. Ids are minted in order (`ids.ts`), so that
 *            renaming by rank keeps every order.
 *   indexes  what is news to a deployment only by which evaluations have looked since; all else
 *            by id.
 *   times    relative to the clock.
 *
 * That this leaves out nothing that matters is checked, not believed: the search now and then
 * explores a world that it knows already, and compares (`explore.ts`).
 */
import { hash } from "node:crypto";
import {
  type Allocation,
  AllocPhase,
  type Deployment,
  EvalStatus,
  type Evaluation,
  isClientTerminal,
  isDeploymentActive,
  isEvalTerminal,
  isNodeReady,
  isServerTerminal,
  type Job,
  type Json,
} from "@drover/model";
import type { CommandDraft } from "@drover/server";
import type { StateSnapshot } from "@drover/state";
import { mayBeHeardOfAgain } from "./client-steps.ts";
import { JOB } from "./scope.ts";
import type { Proposal, World } from "./world.ts";

type Part = Json | readonly Part[];

export function canonical(world: World): string {
  return JSON.stringify(new Canonical(world).parts());
}

class Canonical {
  readonly #world: World;
  readonly #state: StateSnapshot;
  readonly #allocs: readonly Allocation[];
  readonly #evals: readonly Evaluation[];
  readonly #deployments: readonly Deployment[];
  /** Id → rank, of what matters. */
  readonly #ranks = new Map<string, string>();
  /** Up to which index the latest of the ended evaluations has looked. */
  readonly #latest: number;
  readonly #order: Interleaving;

  constructor(world: World) {
    this.#world = world;
    this.#state = world.state;
    this.#deployments = [...this.#state.deploymentsByJob(JOB)].reverse();
    const planned = new Set(
      world.progress.proposals.flatMap(({ drafts }) => drafts.flatMap(named)),
    );
    this.#allocs = this.#state
      .allocsByJob(JOB)
      .filter((alloc) => planned.has(alloc.id) || this.#matters(alloc));
    const evals = this.#state.evalsByJob(JOB);
    this.#evals = evals
      .filter((each) => !isEvalTerminal(each))
      .toSorted((a, b) => a.createIndex - b.createIndex || (a.id < b.id ? -1 : 1));
    this.#rank("a", this.#allocs);
    this.#rank("d", this.#deployments);
    this.#rank("e", this.#evals);
    this.#latest = Math.max(
      0,
      ...evals.filter((each) => each.status === EvalStatus.complete).map(lookedAt),
    );
    const bases = world.progress.proposals.map(({ basis }) => basis.index);
    this.#order = new Interleaving(
      [this.#latest, ...this.#evals.map(lookedAt), ...bases],
      [
        ...this.#allocs.map((alloc) => this.#news(alloc)),
        ...this.#deployments.map((each) => doneSince(each)),
      ],
    );
  }

  parts(): Part {
    const { faults, operations, proposals, retried } = this.#world.progress;
    return [
      operations,
      this.#world.scope.pair === undefined ? faults.length : faults,
      this.#ref(retried),
      this.#state
        .jobVersions(JOB)
        .map((job) => [job.version, job.stable, this.#grant(job.version), CONTENTS.of(job)]),
      [...this.#state.nodes()].map((node) => [
        node.status,
        node.schedulingEligibility,
        node.drainStrategy && this.#time(node.drainStrategy.forceDeadline),
      ]),
      this.#deployments.map((each) => this.#deployment(each)),
      this.#allocs.map((alloc) => this.#alloc(alloc)),
      this.#evals.map((each) => this.#eval(each)),
      this.#order.look(this.#latest),
      proposals.map((each) => this.#proposal(each)),
    ];
  }

  /** One that has ended and is not wanted says nothing, unless its deployment still judges it. */
  #matters(alloc: Allocation): boolean {
    if (mayBeHeardOfAgain(this.#world, alloc)) return true;
    if (!isServerTerminal(alloc) || !isClientTerminal(alloc)) return true;
    const deployment = this.#state.deployment(alloc.deploymentId);
    if (deployment === undefined || !isDeploymentActive(deployment)) return false;
    return alloc.deploymentStatus?.healthy === false || alloc.clientStatus === "failed";
  }

  /** What the decider of its deployment takes for news (rule D9), while there is one to decide. */
  #news(alloc: Allocation): number {
    const deployment = this.#state.deployment(alloc.deploymentId);
    if (isServerTerminal(alloc) || !deployment || !isDeploymentActive(deployment)) return 0;
    if (alloc.phase === AllocPhase.prepare && alloc.prepared) return alloc.modifyIndex;
    return alloc.deploymentStatus?.healthy === true ? alloc.deploymentStatus.modifyIndex : 0;
  }

  #rank(prefix: string, rows: readonly { readonly id: string }[]): void {
    for (const [rank, { id }] of rows.entries()) this.#ranks.set(id, `${prefix}${rank}`);
  }

  /** What is new in a proposal gets the next ranks, in the order of its being named. */
  #ref(id: string | undefined): string {
    return id === undefined || id === "" ? "" : (this.#ranks.get(id) ?? "gone");
  }

  #time(at: number): number {
    return at === 0 ? 0 : at - this.#world.now;
  }

  #grant(version: number): number {
    return this.#state.revertGrant(JOB, version) ?? -1;
  }

  #deployment(each: Deployment): Part {
    const { proven } = this.#world.progress;
    const isActive = isDeploymentActive(each);
    return [
      this.#ref(each.id),
      each.jobVersion,
      each.status,
      each.autoTransitionsLeft,
      each.statusDescription.includes("rolling back to"),
      this.#order.news(doneSince(each)),
      Object.values(each.taskGroups).map((group) => [
        group.promoted,
        group.desiredCanaries,
        isActive && [
          group.desiredTotal,
          this.#time(group.requireProgressBy),
          group.placedCanaries.map((id) => this.#ref(id)),
          [...proven]
            .filter((key) => key.startsWith(each.id))
            .map((key) => key.slice(each.id.length))
            .sort(),
        ],
        !isActive && group.placedCanaries.map((id) => this.#ref(id)).filter((id) => id !== "gone"),
      ]),
    ];
  }

  #alloc(alloc: Allocation): Part {
    const deployment = this.#state.deployment(alloc.deploymentId);
    return [
      this.#ref(alloc.id),
      this.#ref(alloc.deploymentId),
      deployment !== undefined && alloc.createIndex < deployment.createIndex,
      FIELDS.of(alloc),
      this.#ref(alloc.previousAllocation),
      alloc.nextAllocation === "" ? "" : "next",
      this.#ref(alloc.followupEvalId),
      this.#order.news(this.#news(alloc)),
      alloc.clientSeq > 0,
      // Its replacement may have to wait for some time after that.
      alloc.clientStatus === "failed" ? this.#time(alloc.modifyTime) : "",
      this.#world.scope.lostAfterS === undefined ? "" : this.#outOfReach(alloc),
    ];
  }

  /** Since when, and what its return is weighed by (reconciler's `disconnect.ts`). */
  #outOfReach(alloc: Allocation): Part {
    return [
      alloc.allocStates.map(({ time, value }) => [value, this.#time(time)]),
      this.#score(alloc),
      this.#ref(alloc.nextAllocation),
    ];
  }

  /** Weighed when one comes back that has been waited for, and never else. */
  #score({ metrics }: Allocation): Part {
    if (this.#world.scope.lostAfterS === undefined) return "";
    return metrics?.scoreMetaData[0]?.normScore ?? null;
  }

  #eval(each: Evaluation): Part {
    return [
      this.#ref(each.id),
      each.status,
      each.triggeredBy,
      this.#ref(each.deploymentId),
      this.#time(each.waitUntil),
      this.#order.look(lookedAt(each)),
      each.status === EvalStatus.blocked && this.#hasCapacity(each),
    ];
  }

  #hasCapacity({ snapshotIndex }: Evaluation): boolean {
    return [...this.#state.nodes()].some(
      (node) =>
        isNodeReady(node) && Math.max(node.modifyIndex, node.lastAllocUpdateIndex) > snapshotIndex,
    );
  }

  #proposal({ basis, drafts, drawn, loop }: Proposal): Part {
    const serving = basis
      .allocsByJob(JOB)
      .filter((alloc) => alloc.serving === true)
      .filter((alloc) => alloc.clientStatus === "running" && !isServerTerminal(alloc));
    return [
      loop,
      drawn !== undefined,
      this.#order.look(basis.index),
      serving.map(({ id }) => this.#ref(id)).filter((id) => id !== "gone"),
      drafts.map((draft) => this.#draft(draft)),
    ];
  }

  #draft(draft: CommandDraft): Part {
    switch (draft.tag) {
      case 5:
        return [5, draft.evals.map((each) => this.#written(each))];
      case 6: {
        const { plan } = draft;
        for (const { id } of plan.placements) this.#name("a", id);
        if (plan.deployment) this.#name("d", plan.deployment.id);
        return [
          6,
          plan.stops.map((stop) => [this.#ref(stop.allocId), stop.clientStatus ?? ""]),
          plan.placements.map((alloc) => [
            this.#ref(alloc.id),
            this.#ref(alloc.deploymentId),
            FIELDS.of(alloc),
            this.#ref(alloc.previousAllocation),
            this.#score(alloc),
          ]),
          plan.attributeUpdates.map((each) => [
            this.#ref(each.allocId),
            each.clientStatus ?? "",
            each.followupEvalId !== undefined,
          ]),
          plan.deployment &&
            Object.values(plan.deployment.taskGroups).map((group) => [
              group.desiredTotal,
              group.desiredCanaries,
            ]),
          plan.deployment && [plan.deployment.jobVersion, plan.deployment.autoTransitionsLeft],
          plan.deploymentUpdates.map((each) => [this.#ref(each.deploymentId), each.status]),
          draft.evals.map((each) => this.#written(each)),
        ];
      }
      case 8:
        return [
          8,
          Object.entries(draft.transitions).map(([id, marks]) => [this.#ref(id), { ...marks }]),
          draft.evals.length,
        ];
      case 12:
        return [12, draft.deadlineReached, draft.evals.length];
      case 14:
        return [14, this.#ref(draft.deploymentId), draft.status, draft.revertTo];
      case 15:
        return [15, this.#ref(draft.deploymentId)];
      default:
        throw new Error(`no loop proposes command ${draft.tag}`);
    }
  }

  #written(each: Evaluation): Part {
    const stored = this.#state.evaluation(each.id);
    const isLate = stored !== undefined && isEvalTerminal(stored);
    return [isLate, this.#ref(each.id), each.status, each.triggeredBy, this.#time(each.waitUntil)];
  }

  #name(prefix: string, id: string): void {
    if (!this.#ranks.has(id)) this.#ranks.set(id, `${prefix}+${this.#ranks.size}`);
  }
}

/**
 * The indexes at which evaluations looked, and those at which allocations brought news, only by who
 * came after whom: all looks between two news count as one, and all news between two looks.
 */
class Interleaving {
  readonly #blocks = new Map<string, number>();

  constructor(looks: readonly number[], news: readonly number[]) {
    const events = [
      ...looks.map((index) => ({ index, kind: "look" })),
      ...news.filter((index) => index > 0).map((index) => ({ index, kind: "news" })),
    ];
    // News at the very index of a look have been seen by it.
    events.sort((a, b) => a.index - b.index || (a.kind < b.kind ? 1 : -1));
    let block = 0;
    let last = "look";
    for (const { index, kind } of events) {
      if (kind !== last) block += 1;
      last = kind;
      this.#blocks.set(`${kind} ${index}`, block);
    }
  }

  look(index: number): number {
    return this.#blocks.get(`look ${index}`) ?? 0;
  }

  news(index: number): number {
    return this.#blocks.get(`news ${index}`) ?? 0;
  }
}

/** Index of what a decider that finds all groups done takes for news (rule D9); 0 = none. */
function doneSince(each: Deployment): number {
  const groups = Object.values(each.taskGroups);
  const isDone = groups.every(({ desiredTotal, healthyAllocs }) => healthyAllocs >= desiredTotal);
  return isDone && isDeploymentActive(each) ? each.modifyIndex : 0;
}

/** 60 bits: of thousands of rows no two that differ have the same. */
const WORD_LENGTH = 10;

/** Rows never change, and most worlds share them: what matters of each, as a short word. */
class Word<T extends object> {
  readonly #parts: (row: T) => Part;
  readonly #known = new WeakMap<T, string>();

  constructor(parts: (row: T) => Part) {
    this.#parts = parts;
  }

  of(row: T): string {
    const known = this.#known.get(row);
    if (known !== undefined) return known;
    const word = hash("sha1", JSON.stringify(this.#parts(row)), "base64url").slice(0, WORD_LENGTH);
    this.#known.set(row, word);
    return word;
  }
}

const CONTENTS = new Word<Job>(contentOf);
const FIELDS = new Word<Allocation>(fieldsOf);

function contentOf(job: Job): Part {
  const groups = job.taskGroups.map(({ count, shutdownDelay, tasks }) => {
    const images = tasks.map(({ config }) => (config ?? {}) as { readonly image?: string });
    return [count, shutdownDelay, images.map(({ image }) => image ?? "")];
  });
  return [job.stop, groups];
}

function fieldsOf(alloc: Allocation): Part[] {
  const { desiredTransition: marks } = alloc;
  return [
    alloc.name,
    alloc.nodeId,
    alloc.jobVersion,
    alloc.desiredStatus,
    alloc.clientStatus,
    alloc.phase,
    alloc.prepared,
    alloc.serving ?? null,
    alloc.deploymentStatus && [alloc.deploymentStatus.healthy, alloc.deploymentStatus.canary],
    [marks.migrate ?? null, marks.reschedule ?? null, marks.migrateDisablePlacement ?? null],
    alloc.rescheduleTracker && [
      alloc.rescheduleTracker.lastReschedule,
      alloc.rescheduleTracker.events.length,
    ],
    alloc.unretryableError,
  ];
}

function lookedAt(each: Evaluation): number {
  return each.snapshotIndex || each.createIndex;
}

function named(draft: CommandDraft): string[] {
  if (draft.tag === 8) return Object.keys(draft.transitions);
  if (draft.tag !== 6) return [];
  return [
    ...draft.plan.stops.map(({ allocId }) => allocId),
    ...draft.plan.placements.map(({ id }) => id),
    ...draft.plan.attributeUpdates.map(({ allocId }) => allocId),
  ];
}
