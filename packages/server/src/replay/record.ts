/**
 * A log as the servers of one version wrote it: entries as they are on disk, and what they made.
 * `play` is what is recorded: a job that rolls, fails, is reverted and drained, with the entries
 * that clients and the leader's loops add by themselves.
 */
import { SECOND } from "@drover/base";
import { type Allocation, JobType } from "@drover/model";
import { mockJob } from "@drover/model/testing";
import { StateMachineStore } from "@drover/state";
import { decodeMessage, encodeMessage } from "@drover/wire";
import { ServerFsm } from "../fsm.ts";
import { promoteDeployment, setAllocHealth } from "../operations/deployments.ts";
import { drainNode } from "../operations/nodes.ts";
import { Rollout } from "../testing/rollout.ts";
import { registerNode } from "../testing/test-server.ts";
import { PROGRESS_MS, webJob } from "../testing/web-job.ts";

export interface RecordedLog {
  readonly entries: readonly { readonly index: number; readonly data: Uint8Array }[];
  /** Of the whole state after the last entry. */
  readonly stateHash: string;
  /** The running hash, which servers compare with each other. */
  readonly chain: string;
}

export async function play(version: number): Promise<RecordedLog> {
  const rollout = new Rollout();
  const { log, store, clock, server } = rollout.made;
  log.version = version;
  const first = log.index + 1;
  for (const name of ["a", "b", "c"]) registerNode(rollout.made, { name });
  log.lead(1);
  await clock.advance(0);
  const canary = { canary: 1, autoRevert: true };
  await rollout.register(webJob());
  await rollout.playOut();
  await rollout.register(webJob({ image: "2", update: canary }));
  await rollout.playOut();
  await promoteDeployment(server, {
    id: rollout.deployment().id,
    groups: null,
    token: "promotion",
  });
  await clock.advance(1_000);
  await rollout.playOut();
  await rollout.register(webJob({ image: "3", update: { autoRevert: true } }));
  await rollout.report(newest(rollout), { healthy: false });
  await clock.advance(61_000);
  await rollout.playOut();
  // A verdict that is told after the deadline, an operator's, and a job that becomes another.
  await rollout.register(webJob({ image: "4" }));
  clock.set(clock.now() + 1.5 * PROGRESS_MS);
  await rollout.report(newest(rollout), { healthy: true });
  const judged = { healthy: [newest(rollout).id], unhealthy: [], token: "verdict" };
  await setAllocHealth(server, { id: rollout.deployment().id, ...judged });
  await clock.advance(1_000);
  await rollout.playOut();
  await rollout.register(mockJob({ id: "web", type: JobType.batch }));
  await everywhere(rollout);
  const spec = { deadline: 600 * SECOND, ignoreSystemJobs: false };
  const drain = { spec, markEligible: false, meta: {}, token: "drain" };
  await drainNode(server, { id: rollout.node("a").id, ...drain });
  await clock.advance(1_000);
  await rollout.playOut();
  rollout.close();
  const entries = log.commands.map((command, i) => {
    return { index: first + i, data: new Uint8Array(encodeMessage(command)) };
  });
  return { entries, stateHash: store.snapshot().stateHash(), chain: store.chain };
}

/** A system job, healthy on one node after the other. */
async function everywhere(rollout: Rollout): Promise<void> {
  const { clock, store } = rollout.made;
  const { taskGroups } = webJob({ image: "5" });
  await rollout.register(mockJob({ id: "everywhere", type: JobType.system, taskGroups }));
  for (const { id } of store.snapshot().allocsByJob({ namespace: "default", id: "everywhere" })) {
    await clock.advance(5_000);
    const alloc = store.snapshot().alloc(id);
    if (alloc !== undefined) await rollout.report(alloc, { healthy: true });
  }
}

/** What the newest placement made. */
function newest(rollout: Rollout): Allocation {
  const [alloc] = rollout.live().sort((a, b) => b.createIndex - a.createIndex);
  if (alloc === undefined) throw new Error("nothing runs");
  return alloc;
}

/** What the entries make with this program. */
export function replay(entries: RecordedLog["entries"]): Omit<RecordedLog, "entries"> {
  const store = new StateMachineStore();
  const fsm = new ServerFsm(store);
  fsm.apply(entries.map((entry) => ({ ...entry, term: 1 })));
  return { stateHash: store.snapshot().stateHash(), chain: store.chain };
}

/** The same entries, taken for ones of another version. */
export function asVersion(entries: RecordedLog["entries"], v: number): RecordedLog["entries"] {
  return entries.map(({ index, data }) => {
    const command = decodeMessage(data) as object;
    return { index, data: new Uint8Array(encodeMessage({ ...command, v })) };
  });
}

/** One line of what it makes, then one for each entry. */
export function writeLog({ entries, ...made }: RecordedLog): string {
  const lines = entries.map(
    ({ index, data }) => `${index} ${Buffer.from(data).toString("base64")}`,
  );
  return `${[JSON.stringify(made), ...lines].join("\n")}\n`;
}

export function readLog(text: string): RecordedLog {
  const [head = "", ...lines] = text.trimEnd().split("\n");
  const made = JSON.parse(head) as Omit<RecordedLog, "entries">;
  const entries = lines.map((line) => {
    const [index = "", data = ""] = line.split(" ");
    return { index: Number(index), data: new Uint8Array(Buffer.from(data, "base64")) };
  });
  return { ...made, entries };
}
