/**
 * One state of a small world: the replicated state, what the leader's loops have decided and not
 * written yet, and how much may still go wrong. A world never changes; a step makes another one.
 */
import type { Evaluation, Job } from "@drover/model";
import { MOCK_NOW, mockId } from "@drover/model/testing";
import type { SchedulerResult } from "@drover/scheduler";
import { harnessNode } from "@drover/scheduler/testing";
import type { CommandDraft } from "@drover/server";
import { evalForJob } from "@drover/server/leader-commands";
import {
  COMMAND_VERSION,
  type Command,
  StateMachineStore,
  type StateSnapshot,
} from "@drover/state";
import { CountedIds } from "./ids.ts";
import { type FaultKind, JOB, jobOf, type Scope, type Submit } from "./scope.ts";

export type LoopName = "evaluations" | "deployments" | "drains";

/** Not verified yet. */
export interface DrawnPlan {
  readonly evaluation: Evaluation;
  readonly result: SchedulerResult;
}

/** What a loop has decided: the entries it writes, one after the other. */
export interface Proposal {
  readonly loop: LoopName;
  readonly label: string;
  readonly drafts: readonly CommandDraft[];
  /** What the loop saw. */
  readonly basis: StateSnapshot;
  /** Then the drafts are what will be written if all of it is accepted. */
  readonly drawn?: DrawnPlan;
}

interface Progress {
  /** Epoch ms. */
  readonly now: number;
  readonly minted: number;
  readonly operations: number;
  /** What has gone wrong so far. */
  readonly faults: readonly FaultKind[];
  readonly proposals: readonly Proposal[];
  /** The evaluation whose plan was refused in part and that plans the rest next; "" = none. */
  readonly retried: string;
  /** deployment/name: it has been healthy in it, which extends a deadline once. */
  readonly proven: ReadonlySet<string>;
}

/** Entries that led here from the world before. */
interface Written {
  readonly command: Command;
  readonly before: StateSnapshot;
  readonly basis: StateSnapshot;
}

export class World {
  readonly scope: Scope;
  readonly progress: Progress;
  readonly written: readonly Written[];
  readonly #store: StateMachineStore;

  private constructor(
    scope: Scope,
    store: StateMachineStore,
    progress: Progress,
    written: readonly Written[],
  ) {
    this.scope = scope;
    this.#store = store;
    this.progress = progress;
    this.written = written;
  }

  /** With its nodes, and nothing else. */
  static empty(scope: Scope): World {
    const store = new StateMachineStore();
    const world = new World(
      scope,
      store,
      {
        now: MOCK_NOW,
        minted: 0,
        operations: 0,
        faults: [],
        proposals: [],
        retried: "",
        proven: new Set(),
      },
      [],
    );
    const nodes = Array.from({ length: scope.nodes ?? 3 }, (_, i) => {
      const made = harnessNode(i, { id: mockId(`node ${i}`), status: "ready" });
      return { tag: 9, node: made, evals: [] } as const;
    });
    return world.write(nodes);
  }

  get state(): StateSnapshot {
    return this.#store.snapshot();
  }

  get job(): Job {
    const job = this.state.job(JOB);
    if (job === undefined) throw new Error("no job");
    return job;
  }

  /** Replicated time, as the loops reckon it. */
  get now(): number {
    return Math.max(this.progress.now, this.state.clock);
  }

  ids(): CountedIds {
    return new CountedIds(this.progress.minted);
  }

  /** The same state, in a scope that differs in what may happen. */
  in(scope: Scope): World {
    return new World(scope, this.#store, this.progress, []);
  }

  with(progress: Partial<Progress>): World {
    return new World(this.scope, this.#store, { ...this.progress, ...progress }, []);
  }

  /** The same world, with what a fault has used up. */
  withFault(kind: FaultKind): World {
    const faults = [...this.progress.faults, kind].sort();
    return new World(this.scope, this.#store, { ...this.progress, faults }, this.written);
  }

  /** Appends entries to the log. `basis`: what was seen when they were decided. */
  write(
    drafts: readonly CommandDraft[],
    progress: Partial<Progress> = {},
    basis: StateSnapshot = this.state,
  ): World {
    const store = this.#store.fork();
    const written: Written[] = [];
    for (const draft of drafts) {
      const before = store.snapshot();
      const command = { ...draft, v: COMMAND_VERSION, now: this.now, token: "" } as Command;
      store.apply(command, store.index + 1);
      written.push({ command, before, basis });
    }
    return new World(this.scope, store, { ...this.progress, ...progress }, written);
  }

  /** Appends more entries in the same step. */
  also(drafts: readonly CommandDraft[]): World {
    const after = this.write(drafts);
    const written = [...this.written, ...after.written];
    return new World(this.scope, after.#store, after.progress, written);
  }

  submit(version: Submit, progress: Partial<Progress> = {}): World {
    const ids = this.ids();
    const job = jobOf(this.scope, version);
    const draft: CommandDraft = {
      tag: 1,
      job,
      submission: null,
      enforceIndex: null,
      preserveCounts: false,
      preserveResources: false,
      evaluation: evalForJob(job, "job-register", ids),
      alwaysNewVersion: false,
      enforcePriorVersion: null,
    };
    return this.write([draft], { ...progress, minted: ids.minted });
  }
}
