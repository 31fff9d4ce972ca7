/**
 * A whole server with clients that do what they are told when the test says so: each report goes in
 * as a real session's would, with the evaluations that it causes.
 */
import { SeededRandom } from "@drover/base";
import {
  type Allocation,
  type AllocClientReport,
  AllocPhase,
  ClientStatus,
  type Deployment,
  DesiredStatus,
  EvalTrigger,
  isClientTerminal,
  isTerminal,
  type Job,
  type Node,
} from "@drover/model";
import { mockReport } from "@drover/model/testing";
import { evalForJob, evalsForNode } from "../leader/new-eval.ts";
import { reportEvals } from "../leader/report-evals.ts";
import { registerJob, registerNode, settled, type TestServer, testServer } from "./test-server.ts";

const REF = { namespace: "default", id: "web" };

export class Rollout {
  readonly made: TestServer = testServer();
  readonly #random = new SeededRandom(11);
  #seq = 0;
  #versions = 0;

  /** Leads, with these nodes ready. */
  static async start(...nodes: readonly Partial<Node>[]): Promise<Rollout> {
    const rollout = new Rollout();
    for (const node of nodes) registerNode(rollout.made, node);
    rollout.made.log.lead(1);
    await settled();
    return rollout;
  }

  get state() {
    return this.made.store.snapshot();
  }

  node(name: string): Node {
    const found = [...this.state.nodes()].find((each) => each.name === name);
    if (found === undefined) throw new Error(`no node ${name}`);
    return found;
  }

  /** Every allocation of the job `web`, ended ones too. */
  all(): readonly Allocation[] {
    return this.state.allocsByJob(REF);
  }

  live(): Allocation[] {
    return this.all().filter((alloc) => !isTerminal(alloc));
  }

  /** Allocations whose tasks may run: what clients have not ended. */
  held(): Allocation[] {
    return this.all().filter((alloc) => !isClientTerminal(alloc));
  }

  /** The newest deployment of the job `web`. */
  deployment(): Deployment {
    const [newest] = this.state.deploymentsByJob(REF);
    if (newest === undefined) throw new Error("no deployment");
    return newest;
  }

  async register(job: Job): Promise<void> {
    registerJob(this.made, { ...job, version: this.#versions });
    this.#versions += 1;
    await settled();
  }

  async report(alloc: Allocation, over: Partial<AllocClientReport>): Promise<void> {
    this.#seq += 1;
    const report = mockReport(alloc, { clientSeq: this.#seq, ...over });
    const evals = reportEvals(this.state, [report], this.#random);
    this.made.apply({ tag: 7, reports: [report], evals });
    await settled();
  }

  /** The server learns of a node's condition, with the evaluations that follow from it. */
  setNode(id: string, status: string): void {
    const evals = evalsForNode(this.state, id, EvalTrigger.nodeUpdate, this.#random);
    this.made.apply({ tag: 11, nodeId: id, status, event: null, evals });
  }

  /** Somebody asks for an evaluation that nothing needs. */
  async evaluate(): Promise<void> {
    const job = this.state.job(REF);
    if (job === undefined) throw new Error("no job");
    const evals = [evalForJob(job, EvalTrigger.jobRegister, this.#random)];
    this.made.apply({ tag: 5, evals });
    await settled();
  }

  /** One client does one thing. Answers whether there was one. */
  async playOne(): Promise<number> {
    for (const alloc of this.held()) {
      const next = nextReport(alloc);
      if (next === null) continue;
      await this.report(alloc, next);
      return 1;
    }
    return 0;
  }

  /** Each client does one thing for each of its allocations. Answers how many there were to do. */
  async play(isDead: (nodeId: string) => boolean = () => false): Promise<number> {
    let count = 0;
    for (const alloc of this.held()) {
      const next = isDead(alloc.nodeId) ? null : nextReport(alloc);
      if (next === null) continue;
      count += 1;
      await this.report(alloc, next);
    }
    return count;
  }

  /** Until nothing is left to do. */
  async playOut(isDead?: (nodeId: string) => boolean): Promise<void> {
    for (let round = 0; round < 100; round++) if ((await this.play(isDead)) === 0) return;
    throw new Error("there is always something left to do");
  }

  close(): void {
    this.made.server.close();
  }
}

/** Keeps the lowest number that served and the highest that was desired, over every log entry. */
export function watch(rollout: Rollout): { leastServing: number; mostDesired: number } {
  const seen = { leastServing: Number.POSITIVE_INFINITY, mostDesired: 0 };
  const look = () => {
    const live = rollout.live();
    const serving = live.filter((alloc) => serves(rollout, alloc)).length;
    seen.leastServing = Math.min(seen.leastServing, serving);
    seen.mostDesired = Math.max(seen.mostDesired, live.length);
  };
  look();
  rollout.made.server.onApplied(look);
  return seen;
}

function serves(rollout: Rollout, alloc: Allocation): boolean {
  if (alloc.clientStatus !== ClientStatus.running) return false;
  const verdict = alloc.deploymentStatus?.healthy ?? null;
  if (verdict !== null) return verdict;
  const deployment = rollout.state.deployment(alloc.deploymentId);
  return deployment === undefined || alloc.createIndex < deployment.createIndex;
}

function nextReport(alloc: Allocation): Partial<AllocClientReport> | null {
  if (alloc.desiredStatus !== DesiredStatus.run) return { clientStatus: ClientStatus.complete };
  if (alloc.phase === AllocPhase.prepare) {
    return alloc.prepared ? null : { clientStatus: ClientStatus.pending, prepared: true };
  }
  return alloc.deploymentStatus?.healthy === true ? null : { healthy: true };
}
