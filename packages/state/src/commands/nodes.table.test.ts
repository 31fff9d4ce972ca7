/** Every condition of a node, and every command that may move it (SPEC.md, N). */
import assert from "node:assert/strict";
import test from "node:test";
import { type Node, NodeStatus } from "@drover/model";
import { mockNode } from "@drover/model/testing";
import { type CommandBody, StateHarness } from "../testing/harness.ts";
import { CommandTag } from "./command.ts";

const STATUSES = Object.values(NodeStatus);
const NODE = mockNode({ status: "ready" });
const STRATEGY = { deadline: 0, ignoreSystemJobs: false, forceDeadline: 0, startedAt: 1 };

const statusTo = (status: NodeStatus): CommandBody => ({
  tag: CommandTag.nodeStatus,
  nodeId: NODE.id,
  status,
  event: null,
  evals: [],
});
const registered = (over: Partial<Node>): CommandBody => ({
  tag: CommandTag.nodeRegister,
  node: { ...NODE, ...over },
  evals: [],
});
const eligibilityTo = (eligibility: string): CommandBody => ({
  tag: CommandTag.nodeEligibility,
  nodeId: NODE.id,
  eligibility,
  event: null,
  evals: [],
});
function drain(over: {
  readonly drain: Node["drainStrategy"];
  readonly completed?: boolean;
  readonly markEligible?: boolean;
}): CommandBody {
  const rest = { completed: false, markEligible: false, ...over };
  const base = { tag: CommandTag.nodeDrain, nodeId: NODE.id, deadlineReached: false } as const;
  return { ...base, ...rest, meta: {}, event: null, evals: [] };
}

function nodeIn(status: NodeStatus): StateHarness {
  const harness = new StateHarness();
  harness.accept(registered({ status: "initializing" }));
  if (status !== "initializing") harness.accept(statusTo(status));
  return harness;
}

const stored = (harness: StateHarness) => harness.snapshot.node(NODE.id);

const all = (to: NodeStatus) =>
  Object.fromEntries(STATUSES.map((status) => [status, to])) as Record<NodeStatus, NodeStatus>;
const same = Object.fromEntries(STATUSES.map((s) => [s, s])) as Record<NodeStatus, NodeStatus>;

/** The status after each command, by the status before; "" = refused. */
const BY_STATUS: Readonly<Record<string, [CommandBody, Readonly<Record<NodeStatus, string>>]>> = {
  "registers as ready": [registered({ status: "ready" }), all("ready")],
  "registers as initializing": [
    registered({ status: "initializing" }),
    { ...all("initializing"), ready: "ready" },
  ],
  "another machine registers": [
    registered({ secretId: "00000000-0000-4000-8000-00000000000f" }),
    { initializing: "", ready: "", down: "", disconnected: "" },
  ],
  "beats as ready": [statusTo("ready"), all("ready")],
  "missed, nobody waits": [statusTo("down"), all("down")],
  "missed, some wait": [statusTo("disconnected"), all("disconnected")],
  "closed by an operator": [eligibilityTo("ineligible"), same],
  "a drain begins": [drain({ drain: STRATEGY }), same],
  "a drain ends": [drain({ drain: null, completed: true }), same],
};

for (const [event, [command, expected]] of Object.entries(BY_STATUS)) {
  test(`[N1 N2 N3] "${event}" moves each status as the table says`, () => {
    for (const status of STATUSES) {
      const harness = nodeIn(status);
      const want = expected[status];
      if (want === "") {
        assert.match(harness.refuse(command), /secret ID does not match/, status);
      } else {
        harness.accept(command);
        assert.equal(stored(harness)?.status, want, `${status} + ${event}`);
      }
    }
  });
}

/** Condition: eligible or not, draining or not. A draining node is never eligible. */
const CONDITIONS = ["open", "closed", "draining"] as const;
type Condition = (typeof CONDITIONS)[number];

const BRING: Readonly<Record<Condition, readonly CommandBody[]>> = {
  open: [],
  closed: [eligibilityTo("ineligible")],
  draining: [drain({ drain: STRATEGY })],
};

const ends = (open: string, closed: string, draining: string) => ({ open, closed, draining });
const unmoved = ends("open", "closed", "draining");

/** The condition after each command, by the one before; in brackets the refusal. */
const BY_CONDITION: Readonly<Record<string, [CommandBody, Readonly<Record<Condition, string>>]>> = {
  "made eligible": [
    eligibilityTo("eligible"),
    ends(
      "open",
      "open",
      "(can not set node's scheduling eligibility to eligible while it is draining)",
    ),
  ],
  "made ineligible": [eligibilityTo("ineligible"), ends("closed", "closed", "draining")],
  "a drain begins": [drain({ drain: STRATEGY }), ends("draining", "draining", "draining")],
  "a drain is called off": [drain({ drain: null }), ends("open", "closed", "closed")],
  "a drain is called off and the node opened": [
    drain({ drain: null, markEligible: true }),
    ends("open", "open", "open"),
  ],
  "a drain is complete": [
    drain({ drain: null, completed: true }),
    ends("open", "closed", "closed"),
  ],
  "it registers again": [registered({ status: "ready" }), unmoved],
  "it is given up": [statusTo("down"), unmoved],
  "it is disconnected": [statusTo("disconnected"), unmoved],
  "it beats": [statusTo("ready"), unmoved],
};

function conditionOf(node: Node | undefined): string {
  if (node?.drainStrategy != null) {
    assert.equal(node.schedulingEligibility, "ineligible");
    return "draining";
  }
  return node?.schedulingEligibility === "eligible" ? "open" : "closed";
}

for (const [event, [command, expected]] of Object.entries(BY_CONDITION)) {
  test(`[N4 N5 N6] "${event}" moves each condition as the table says`, () => {
    for (const condition of CONDITIONS) {
      const harness = nodeIn("ready");
      for (const body of BRING[condition]) harness.accept(body);
      const { result } = harness.apply(command);
      const was = result.ok ? conditionOf(stored(harness)) : `(${result.message})`;
      assert.equal(was, expected[condition], `${condition} + ${event}`);
    }
  });
}

test("[N7] a command for a node that is not there is refused", () => {
  const commands = { ...BY_STATUS, ...BY_CONDITION };
  for (const [event, [command]] of Object.entries(commands)) {
    if (command.tag === CommandTag.nodeRegister) continue;
    assert.equal(new StateHarness().refuse(command), "node not found", event);
  }
});
