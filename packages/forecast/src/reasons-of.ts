/** The reasons of one subject, by the production deciders on one snapshot. */
import { decideDeployment, whyAlloc, whyEval, whyNode } from "@drover/control";
import {
  type Deployment,
  EvalStatus,
  type Evaluation,
  isDeploymentActive,
  isEvalTerminal,
  isSameSubject,
  isTemplate,
  type Job,
  type JobRef,
  LEADER,
  NodeStatus,
  OPERATOR,
  type Reason,
  Rule,
  type StateReader,
  type Subject,
  SubjectKind,
  subjectKey,
  subjectOf,
  waitsFor,
} from "@drover/model";
import type { DryRun } from "./dry-run.ts";

/** What is known beside the state, by the key of its subject: replaces what the state shows. */
export type LiveReasons = ReadonlyMap<string, readonly Reason[]>;

/** By the job's key, of one snapshot. */
export type DryRuns = Map<string, DryRun>;

interface FinderInput {
  readonly state: StateReader;
  readonly now: number;
  readonly live: LiveReasons;
  readonly dryRuns: DryRuns;
}

const NOTHING: DryRun = { waits: [], unsettled: [] };

export class ReasonFinder {
  readonly #state: StateReader;
  readonly #now: number;
  readonly #live: LiveReasons;
  readonly #known = new Map<string, readonly Reason[]>();
  readonly #dryRuns: DryRuns;
  /** Jobs whose dry run was asked for and is not there: what was found without lacks it. */
  readonly missing = new Map<string, JobRef>();

  constructor({ dryRuns, live, now, state }: FinderInput) {
    this.#dryRuns = dryRuns;
    this.#state = state;
    this.#now = now;
    this.#live = live;
  }

  of(subject: Subject): readonly Reason[] {
    const key = subjectKey(subject);
    const known = this.#known.get(key) ?? this.#fresh(subject, key);
    this.#known.set(key, known);
    return known;
  }

  /** What the leader says of a node comes beside what the state shows. */
  #fresh(subject: Subject, key: string): readonly Reason[] {
    const live = this.#live.get(key);
    if (live === undefined) return this.#find(subject);
    return subject.kind === SubjectKind.node ? [...live, ...this.#find(subject)] : live;
  }

  #find(subject: Subject): readonly Reason[] {
    const { id, kind, namespace } = subject;
    switch (kind) {
      case SubjectKind.job:
        return this.#ofJob({ id, namespace });
      case SubjectKind.group:
        return this.#ofGroup(subject);
      case SubjectKind.deployment:
        return this.#ofDeployment(this.#state.deployment(id));
      case SubjectKind.evaluation: {
        const evaluation = this.#state.evaluation(id);
        const reason = evaluation && whyEval(this.#state, evaluation, this.#now);
        return reason ? [reason] : [];
      }
      case SubjectKind.allocation:
        return this.#ofAlloc(subject);
      case SubjectKind.node: {
        const node = this.#state.node(id);
        return node ? whyNode(this.#state, node, this.#now) : [];
      }
      case SubjectKind.task:
      case SubjectKind.check:
        return this.#ofPart(subject);
      case SubjectKind.image:
      case SubjectKind.capacity:
      case SubjectKind.operator:
      case SubjectKind.leader:
        return [];
    }
  }

  #ofJob(ref: JobRef): readonly Reason[] {
    const state = this.#state;
    const job = state.job(ref);
    if (job && !job.stop && isTemplate(job)) return [neverLaunched(job)];
    const { unsettled: allocs, waits } = this.#dryRunOf(ref);
    const subject = subjectOf.job(ref);
    const deployments = state.deploymentsByJob(ref).filter(isDeploymentActive);
    const evals = state.evalsByJob(ref).filter((each) => !isEvalTerminal(each));
    const all = [
      ...deployments.map(subjectOf.deployment),
      ...waits.map((reason) => reason.subject),
      ...allocs,
      ...evals.map(subjectOf.evaluation),
    ];
    const byKey = new Map(all.map((each) => [subjectKey(each), each]));
    const [first, ...others] = byKey.values();
    if (!first) return [];
    const parts = [
      counted(deployments.length, "deployment"),
      counted(evals.length, "evaluation"),
      counted(allocs.length, "allocation"),
    ].filter((part) => part !== "");
    const text = `waits for ${parts.join(", ") || "its groups"}`;
    return [waitsFor({ rule: Rule.jobUnfinished, subject, text }, first, ...others)];
  }

  /** What the next pass would leave undone, and what its evaluations wait for. */
  #ofGroup(subject: Subject): readonly Reason[] {
    const { group, jobId } = groupIdParts(subject.id);
    const ref = { namespace: subject.namespace, id: jobId };
    const waits = this.#waitsOf(subject, ref);
    const open = this.#state
      .evalsByJob(ref)
      .filter((each) => isOpenFor(each, group))
      .map(subjectOf.evaluation);
    const [first, ...others] = open;
    if (!first) return waits;
    const text = "waits for an evaluation of its job to place it";
    const told = { rule: Rule.groupAwaitsEvaluation, subject, text };
    return [...waits, waitsFor(told, first, ...others)];
  }

  #ofDeployment(deployment: Deployment | undefined): readonly Reason[] {
    if (!deployment) return [];
    const input = { deploymentId: deployment.id, now: this.#now };
    const decision = decideDeployment(input, this.#state);
    if (decision.kind === "ended") return [];
    if (decision.kind === "wait") return decision.reasons;
    return [leaderActs(subjectOf.deployment(deployment), decision.kind)];
  }

  #ofAlloc(subject: Subject): readonly Reason[] {
    const alloc = this.#state.alloc(subject.id);
    if (!alloc) return [];
    const own = whyAlloc(this.#state, alloc);
    if (own.length > 0) return own;
    const ref = { namespace: alloc.namespace, id: alloc.jobId };
    return this.#waitsOf(subject, ref);
  }

  /** A part of an allocation waits for its node, where that is silent. */
  #ofPart({ id }: Subject): readonly Reason[] {
    const alloc = this.#state.alloc(id.slice(0, id.indexOf("/")));
    const node = alloc && this.#state.node(alloc.nodeId);
    const isSilent = node !== undefined && node.status !== NodeStatus.ready;
    return isSilent ? this.of(subjectOf.node(node.id)) : [];
  }

  #waitsOf(subject: Subject, ref: JobRef): readonly Reason[] {
    return this.#dryRunOf(ref).waits.filter((each) => isSameSubject(each.subject, subject));
  }

  #dryRunOf(ref: JobRef): DryRun {
    const key = subjectKey(subjectOf.job(ref));
    const known = this.#dryRuns.get(key);
    if (!known) this.missing.set(key, ref);
    return known ?? NOTHING;
  }
}

/** `<job>/<group>`; a job's id may have slashes, a group's name has none. */
function groupIdParts(id: string): { readonly jobId: string; readonly group: string } {
  const at = id.lastIndexOf("/");
  return { jobId: id.slice(0, at), group: id.slice(at + 1) };
}

function isOpenFor(evaluation: Evaluation, group: string): boolean {
  if (isEvalTerminal(evaluation)) return false;
  if (evaluation.status === EvalStatus.pending) return true;
  const failed = Object.keys(evaluation.failedTgAllocs);
  return failed.length === 0 || failed.includes(group);
}

/** Neither launched nor dispatched by this version: docs/differences.md. */
function neverLaunched(job: Job): Reason {
  const text =
    job.periodic === null
      ? "it is parameterized: it runs when it is dispatched, which this version does not do"
      : "it is periodic: it runs at its times, which this version does not launch";
  const hint = "submit a copy without that block to run it now";
  const told = { rule: Rule.jobNotLaunched, subject: subjectOf.job(job), text, hint };
  return waitsFor(told, OPERATOR);
}

function leaderActs(subject: Subject, what: string): Reason {
  const text = `the leader is about to act on it (${what})`;
  return waitsFor({ rule: Rule.leaderActs, subject, text }, LEADER);
}

function counted(count: number, what: string): string {
  if (count === 0) return "";
  return count === 1 ? `1 ${what}` : `${count} ${what}s`;
}
