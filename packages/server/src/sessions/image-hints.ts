/**
 * Tells the nodes whose sessions this server holds which images they will soon need (DESIGN §12.3):
 * what `nextImages` derives from the state, each node's hints as a whole and whenever they change.
 * Nothing depends on them, so changes of some moments are looked at together.
 */
import { type Cancel, errorText } from "@drover/base";
import {
  type Allocation,
  type Deployment,
  DeploymentStatus,
  type Job,
  type JobRef,
} from "@drover/model";
import { type NextImages, needsImages, nextImages } from "@drover/scheduler";
import type { StateEvent, StateSnapshot } from "@drover/state";
import type { ImageHint, PushImageHints } from "@drover/wire";
import type { ServerContext } from "../context.ts";

const REVIEW_AFTER_MS = 100;

interface Rolling {
  readonly job: Job;
  readonly next: readonly NextImages[];
}

export class ImageHints {
  readonly #context: ServerContext;
  readonly #send: (nodeId: string, push: PushImageHints) => void;
  /** Job → what its next batch lacks; of each deployment with images that goes on by itself. */
  readonly #rolling = new Map<string, Rolling>();
  /** Jobs to be looked at; "all" = whatever is rolled out. */
  #changed: Map<string, JobRef> | "all" = new Map();
  /** Node with a session here → what it was told; "" = nothing yet. */
  readonly #told = new Map<string, string>();
  #cancelReview: Cancel | null = null;

  constructor(context: ServerContext, send: (nodeId: string, push: PushImageHints) => void) {
    this.#context = context;
    this.#send = send;
  }

  opened(nodeId: string): void {
    // Nobody has kept `#rolling` up to date while there was no session.
    if (this.#told.size === 0) this.#changed = "all";
    this.#told.set(nodeId, "");
    this.#reviewSoon();
  }

  closed(nodeId: string): void {
    this.#told.delete(nodeId);
    if (this.#told.size === 0) this.close();
  }

  /** A snapshot has replaced the state. */
  restored(): void {
    if (this.#told.size === 0) return;
    this.#changed = "all";
    this.#reviewSoon();
  }

  close(): void {
    this.#cancelReview?.();
    this.#cancelReview = null;
  }

  /** Called for every log entry: what has no images must be dismissed at once. */
  applied(events: readonly StateEvent[]): void {
    if (this.#changed === "all") return;
    const seen = { namespace: "", id: "" };
    let snapshot: StateSnapshot | null = null;
    for (const event of events) {
      if (event.topic === "Node") this.#markRolling(this.#changed);
      const ref = jobOf(event);
      if (ref === null || (ref.id === seen.id && ref.namespace === seen.namespace)) continue;
      Object.assign(seen, ref);
      snapshot ??= this.#context.store.snapshot();
      const key = keyOf(ref);
      const isOne = this.#rolling.has(key) || hasImages(snapshot.job(ref));
      if (isOne) this.#changed.set(key, ref);
    }
    if (this.#changed.size > 0) this.#reviewSoon();
  }

  #markRolling(changed: Map<string, JobRef>): void {
    for (const [key, { job }] of this.#rolling) changed.set(key, job);
  }

  #reviewSoon(): void {
    if (this.#cancelReview !== null) return;
    const { wall } = this.#context;
    this.#cancelReview = wall.setTimer(wall.now() + REVIEW_AFTER_MS, () => {
      this.#cancelReview = null;
      try {
        this.#review();
      } catch (error) {
        this.#context.log("error", "hints of images failed", { error: errorText(error) });
      }
    });
  }

  #review(): void {
    const { clock, store } = this.#context;
    const snapshot = store.snapshot();
    if (this.#changed === "all") this.#rolling.clear();
    const refs = this.#changed === "all" ? rolledOut(snapshot) : [...this.#changed.values()];
    this.#changed = new Map();
    for (const ref of refs) {
      const job = snapshot.job(ref);
      const next = nextImages(snapshot, ref, clock.now());
      if (job === undefined || next === null) this.#rolling.delete(keyOf(ref));
      else this.#rolling.set(keyOf(ref), { job, next });
    }
    this.#tell();
  }

  #tell(): void {
    const byNode = new Map<string, (ImageHint & { readonly job: Job })[]>();
    for (const { job, next } of this.#rolling.values()) {
      for (const { group, nodeId, tasks } of next) {
        const hints = byNode.get(nodeId) ?? [];
        hints.push({ job, taskGroup: group, tasks });
        byNode.set(nodeId, hints);
      }
    }
    for (const [nodeId, told] of this.#told) {
      const hints = byNode.get(nodeId) ?? [];
      const text = JSON.stringify(hints.map(identify));
      if (text === told) continue;
      this.#told.set(nodeId, text);
      this.#send(nodeId, { hints });
    }
  }
}

function rolledOut(snapshot: StateSnapshot): JobRef[] {
  return [...snapshot.deployments()]
    .filter(({ status }) => status === DeploymentStatus.running)
    .map(({ jobId: id, namespace }) => ({ namespace, id }));
}

/** The job that an event may mean another batch for. */
function jobOf(event: StateEvent): JobRef | null {
  const { namespace } = event;
  if (event.topic === "Job") return { namespace, id: (event.payload as Job).id };
  if (event.topic !== "Allocation" && event.topic !== "Deployment") return null;
  return { namespace, id: (event.payload as Allocation | Deployment).jobId };
}

function hasImages(job: Job | undefined): boolean {
  return job?.taskGroups.some(needsImages) ?? false;
}

function keyOf({ id, namespace }: JobRef): string {
  return `${namespace}/${id}`;
}

/** What makes one hint differ from another. */
function identify({ job, taskGroup, tasks }: ImageHint & { readonly job: Job }): unknown {
  return [job.namespace, job.id, job.createIndex, job.version, taskGroup, tasks];
}
