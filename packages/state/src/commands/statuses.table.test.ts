/** Every status of allocations and evaluations, and every command that may move it. */
import assert from "node:assert/strict";
import test from "node:test";
import {
  type Allocation,
  ClientStatus,
  DesiredStatus,
  EvalStatus,
  type Job,
  type Plan,
} from "@drover/model";
import { mockAlloc, mockEval, mockJob, mockReport } from "@drover/model/testing";
import { emptyPlan, jobRegister } from "../testing/commands.ts";
import { type CommandBody, StateHarness } from "../testing/harness.ts";
import { CommandTag } from "./command.ts";

const CLIENTS = Object.values(ClientStatus);
const DESIRED = Object.values(DesiredStatus);
const SEQ = 5;

/** Allocation "a" in these two statuses, reached by commands alone. */
function allocIn(desired: DesiredStatus, client: ClientStatus) {
  const harness = new StateHarness();
  harness.accept(jobRegister(mockJob()));
  const job = harness.snapshot.job({ namespace: "default", id: "example" }) as Job;
  const alloc = mockAlloc({ id: "a" }, { job });
  harness.accept(planned(job, { placements: [alloc] }));
  harness.accept(told(alloc, SEQ, client));
  if (desired !== "run") harness.accept(planned(job, { stops: [stop(desired)] }));
  return { harness, job, alloc };
}

/** A plan that was applied before changes nothing. */
let plans = 0;

function planned(job: Job, plan: Partial<Plan>): CommandBody {
  plans += 1;
  const fresh = emptyPlan(job, { id: `plan-${plans}`, ...plan });
  return { tag: CommandTag.planApply, plan: fresh, evals: [] };
}

function stop(desiredStatus: DesiredStatus, clientStatus?: ClientStatus) {
  const base = { allocId: "a", nodeId: mockAlloc().nodeId, desiredStatus, desiredDescription: "d" };
  return clientStatus === undefined ? base : { ...base, clientStatus };
}

function told(alloc: Allocation, clientSeq: number, clientStatus: ClientStatus): CommandBody {
  const reports = [mockReport(alloc, { clientSeq, clientStatus })];
  return { tag: CommandTag.allocClientUpdate, reports, evals: [] };
}

interface Event {
  readonly command: (job: Job, alloc: Allocation) => CommandBody;
  /** What comes of each status; the two sides do not depend on each other. */
  readonly desired: Readonly<Record<DesiredStatus, DesiredStatus>>;
  readonly client: Readonly<Record<ClientStatus, ClientStatus>>;
}

const same = <S extends string>(statuses: readonly S[]) =>
  Object.fromEntries(statuses.map((status) => [status, status])) as Record<S, S>;
const all = <S extends string>(statuses: readonly S[], to: S) =>
  Object.fromEntries(statuses.map((status) => [status, to])) as Record<S, S>;
const DESIRED_STAYS = same(DESIRED);
const CLIENT_STAYS = same(CLIENTS);
/** The server speaks for a client that does not answer, and never undoes an end. */
const openTo = (to: ClientStatus) => ({ ...CLIENT_STAYS, pending: to, running: to, unknown: to });

const EVENTS: Readonly<Record<string, Event>> = {
  ...Object.fromEntries(
    CLIENTS.map((status): [string, Event] => [
      `report ${status}`,
      {
        command: (_job, alloc) => told(alloc, SEQ + 1, status),
        desired: DESIRED_STAYS,
        client: all(CLIENTS, status),
      },
    ]),
  ),
  "report, not newer": {
    command: (_job, alloc) => told(alloc, SEQ, "complete"),
    desired: DESIRED_STAYS,
    client: CLIENT_STAYS,
  },
  "report of another node": {
    command: (_job, alloc) => told({ ...alloc, nodeId: "other" }, SEQ + 1, "complete"),
    desired: DESIRED_STAYS,
    client: CLIENT_STAYS,
  },
  "planned stop": {
    command: (job) => planned(job, { stops: [stop("stop")] }),
    desired: all(DESIRED, "stop"),
    client: CLIENT_STAYS,
  },
  "planned eviction": {
    command: (job) => planned(job, { stops: [stop("evict")] }),
    desired: all(DESIRED, "evict"),
    client: CLIENT_STAYS,
  },
  "planned stop as lost": {
    command: (job) => planned(job, { stops: [stop("stop", "lost")] }),
    desired: all(DESIRED, "stop"),
    client: openTo("lost"),
  },
  "planned as unknown": {
    command: (job) =>
      planned(job, { attributeUpdates: [{ allocId: "a", clientStatus: "unknown" }] }),
    desired: DESIRED_STAYS,
    client: openTo("unknown"),
  },
  "planned update in place": {
    command: (job, alloc) => planned(job, { placements: [alloc] }),
    desired: DESIRED_STAYS,
    client: CLIENT_STAYS,
  },
  "mark to migrate": {
    command: () => ({
      tag: CommandTag.allocDesiredTransition,
      transitions: { a: { migrate: true } },
      evals: [],
    }),
    desired: DESIRED_STAYS,
    client: CLIENT_STAYS,
  },
};

for (const [name, { command, desired, client }] of Object.entries(EVENTS)) {
  test(`[A1 A2 A3 A4 A5] every status of an allocation: ${name}`, () => {
    for (const from of DESIRED) {
      for (const was of CLIENTS) {
        const { harness, job, alloc } = allocIn(from, was);
        harness.apply(command(job, alloc));
        const now = harness.snapshot.alloc("a");
        assert.deepEqual(
          [now?.desiredStatus, now?.clientStatus],
          [desired[from], client[was]],
          `${from}, ${was}`,
        );
      }
    }
  });
}

const ENDED: readonly EvalStatus[] = ["complete", "failed", "canceled"];

test("[E1 E2] an open evaluation takes every status, an ended one none", () => {
  for (const from of Object.values(EvalStatus)) {
    for (const to of Object.values(EvalStatus)) {
      const harness = new StateHarness();
      const write = (status: EvalStatus) =>
        harness.accept({ tag: CommandTag.evalUpdate, evals: [mockEval({ id: "e", status })] });
      write(from);
      write(to);
      const expected = ENDED.includes(from) ? from : to;
      assert.equal(harness.snapshot.evaluation("e")?.status, expected, `${from} to ${to}`);
    }
  }
});

test("[E4] an evaluation that placed everything ends what waited for capacity, others do not", () => {
  const cases: readonly [EvalStatus, boolean, string][] = [
    ["pending", false, "blocked"],
    ["failed", false, "blocked"],
    ["canceled", false, "blocked"],
    ["complete", true, "blocked"],
    ["complete", false, "canceled"],
  ];
  for (const [status, lacks, expected] of cases) {
    const harness = new StateHarness();
    const write = (evaluation: ReturnType<typeof mockEval>) =>
      harness.accept({ tag: CommandTag.evalUpdate, evals: [evaluation] });
    write(mockEval({ id: "waits", status: "blocked" }));
    const failedTgAllocs = lacks ? ({ web: {} } as never) : {};
    write(mockEval({ id: "e", status, failedTgAllocs }));
    assert.equal(harness.snapshot.evaluation("waits")?.status, expected, `${status} ${lacks}`);
  }
});
