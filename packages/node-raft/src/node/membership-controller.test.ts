/** The thin part: when it looks, that it changes one thing at a time, and what it says. */
import assert from "node:assert/strict";
import test from "node:test";
import type { MembershipChange } from "../core/options.ts";
import { RaftError, type RaftStatus } from "./api.ts";
import type { MembershipSettings, Spare } from "./decide-membership.ts";
import { MembershipController } from "./membership-controller.ts";
import { emptyStatus } from "./status.ts";

/** A leader `a` whose log takes every change at once, and a clock that moves when told. */
class FakeLeader {
  readonly memberId = "a";
  readonly changes: MembershipChange[] = [];
  readonly prepared: string[] = [];
  readonly lines: string[] = [];
  /** After how long it wanted to look again, each time. */
  readonly delaysMs: number[] = [];
  spares: readonly Spare[] = [];
  leads = true;
  refuse: Error | null = null;
  silentMs: Record<string, number> = {};
  underWay = 0;
  mostUnderWay = 0;
  #now = 0;
  #timers: { at: number; fn: () => void }[] = [];
  #voters: string[];
  #learners: string[];
  #confIndex = 1;
  readonly controller: MembershipController;

  constructor(voters: string[], learners: string[], settings: Partial<MembershipSettings> = {}) {
    this.#voters = voters;
    this.#learners = learners;
    const timers = {
      now: () => this.#now,
      after: (ms: number, fn: () => void) => {
        this.delaysMs.push(ms);
        const timer = { at: this.#now + ms, fn };
        this.#timers.push(timer);
        return () => {
          this.#timers = this.#timers.filter((one) => one !== timer);
        };
      },
    };
    this.controller = new MembershipController(settings, {
      node: {
        memberId: "a",
        status: () => this.#status(),
        changeMembership: (change) => this.#change(change),
        on: () => () => undefined,
      },
      timers,
      spares: () => this.spares,
      prepare: async (spare) => {
        this.prepared.push(spare.id);
      },
      log: (level, message, fields) => {
        this.lines.push(`${level} ${message} ${fields.reason} ${fields.error ?? ""}`.trim());
      },
    });
  }

  /** Lets time pass, timer by timer. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const next = this.#timers.sort((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.#timers.shift();
      const stepMs = next.at - this.#now;
      this.#now = next.at;
      for (const id of Object.keys(this.silentMs)) {
        this.silentMs[id] = (this.silentMs[id] ?? 0) + stepMs;
      }
      next.fn();
      await settle();
    }
    this.#now = end;
  }

  get waits(): boolean {
    return this.#timers.length > 0;
  }

  #status(): RaftStatus {
    const one = { match: 10, next: 11, state: "replicate", active: true };
    const others = [...this.#voters, ...this.#learners].filter((id) => id !== "a");
    return {
      ...emptyStatus({ memberId: "a", clusterId: "c" }),
      role: this.leads ? "leader" : "follower",
      leader: this.leads ? "a" : "b",
      term: 2,
      commit: 10,
      lastIndex: 10,
      conf: {
        voters: this.#voters,
        votersOutgoing: [],
        learners: this.#learners,
        learnersNext: [],
        autoLeave: false,
        addresses: Object.fromEntries(
          [...this.#voters, ...this.#learners].map((id) => [id, `${id}:1`]),
        ),
      },
      confIndex: this.#confIndex,
      progress: Object.fromEntries(others.map((id) => [id, one])),
      silentMs: { ...Object.fromEntries(others.map((id) => [id, 0])), ...this.silentMs },
    };
  }

  async #change(change: MembershipChange): Promise<void> {
    this.changes.push(change);
    this.underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    await Promise.resolve();
    this.underWay -= 1;
    if (this.refuse !== null) throw this.refuse;
    assert.equal(change.expectConfIndex, this.#confIndex);
    this.#confIndex += 1;
    const voters = (change.addVoters ?? []).map((m) => m.id);
    const learners = (change.addLearners ?? []).map((m) => m.id);
    const gone = [...voters, ...learners, ...(change.remove ?? [])];
    this.#voters = [...this.#voters.filter((id) => !gone.includes(id)), ...voters];
    this.#learners = [...this.#learners.filter((id) => !gone.includes(id)), ...learners];
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
}

function summary(leader: FakeLeader): string[] {
  const ids = (list: readonly { id: string }[] = []) => list.map((m) => m.id).join("");
  return leader.changes.map(
    (c) => `+${ids(c.addVoters)} -${ids(c.addLearners)} x${(c.remove ?? []).join("")}`,
  );
}

test("[C1] a voter that falls silent is replaced when the limit is over, not before", async () => {
  const leader = new FakeLeader(["a", "b", "c"], ["d"], { standbys: 1 });
  leader.controller.start();
  leader.silentMs.c = 0;
  await leader.pass(59_000);
  assert.deepEqual(summary(leader), []);
  await leader.pass(7_000);
  assert.deepEqual(summary(leader), ["+d -c x"]);
  leader.controller.stop();
  assert.equal(leader.waits, false);
});

test("[C1] a limit that nobody can keep replaces nobody who answers, and hurries nobody", async () => {
  const leader = new FakeLeader(["a", "b", "c"], ["d"], { deadAfterMs: 0, standbys: 1 });
  leader.silentMs.c = 0;
  leader.controller.start();
  await settle();
  assert.deepEqual(leader.delaysMs, [200]);
  await leader.pass(900);
  assert.deepEqual(summary(leader), []);
  await leader.pass(900);
  assert.deepEqual(summary(leader), ["+d -c x"], "it has not been heard for a second");
  leader.controller.stop();
});

test("[C7] requests and looks change the members one after the other", async () => {
  const leader = new FakeLeader(["a"], []);
  leader.controller.start();
  const admitted = ["b", "c", "d", "e", "f"].map((id) =>
    leader.controller.admit({ id, address: `${id}:1` }),
  );
  await leader.pass(5_000);
  assert.deepEqual(await Promise.all(admitted), [true, true, true, true, false]);
  assert.deepEqual(summary(leader), ["+ -b x", "+ -c x", "+ -d x", "+ -e x", "+bc - x"]);
  assert.equal(leader.mostUnderWay, 1);
  leader.controller.stop();
});

test("[C7] a refused change is looked at anew, soon", async () => {
  const leader = new FakeLeader(["a"], ["b", "c"]);
  leader.refuse = new RaftError("refused", "conf-index-changed");
  leader.controller.start();
  await leader.pass(100);
  assert.equal(leader.changes.length, 1);
  leader.refuse = null;
  await leader.pass(300);
  assert.deepEqual(summary(leader), ["+bc - x", "+bc - x"]);
  assert.equal(leader.controller.report().decision.reason, "no-spare");
  leader.controller.stop();
});

test("[C7] a change that fails again and again is told once, and once more when it fails anew", async () => {
  const leader = new FakeLeader(["a"], ["b", "c"]);
  leader.refuse = new RaftError("refused", "b cannot be reached");
  leader.controller.start();
  await leader.pass(2_000);
  assert.ok(leader.changes.length >= 10, "it is tried again and again");
  const once = [
    "info members voters-completed",
    "warn changing the members failed voters-completed RaftError: b cannot be reached",
  ];
  assert.deepEqual(leader.lines, once);
  leader.refuse = new RaftError("refused", "c cannot be reached");
  await leader.pass(1_000);
  assert.deepEqual(leader.lines, [...once, once[1]?.replace("b cannot", "c cannot")]);
  leader.controller.stop();
});

test("[C3] a spare is told before it is added", async () => {
  const leader = new FakeLeader(["a", "b", "c"], ["d"]);
  leader.spares = [{ id: "e", address: "e:1", zone: "", level: null }];
  leader.controller.start();
  await leader.pass(100);
  assert.deepEqual(leader.prepared, ["e"]);
  assert.deepEqual(summary(leader), ["+ -e x"]);
  leader.controller.stop();
});

test("[C10] the report names the members' health and the reason; elsewhere that none leads", async () => {
  const leader = new FakeLeader(["a", "b", "c"], ["d", "e"]);
  leader.controller.start();
  await leader.pass(10);
  const { decision, members } = leader.controller.report();
  assert.deepEqual(decision, { kind: "nothing", reason: "complete" });
  assert.deepEqual(
    members.map((m) => [m.id, m.voter, m.healthy]),
    [
      ["a", true, true],
      ["b", true, true],
      ["c", true, true],
      ["d", false, true],
      ["e", false, true],
    ],
  );
  leader.leads = false;
  assert.equal(leader.controller.report().decision.reason, "not-leader");
  await assert.rejects(leader.controller.admit({ id: "f", address: "f:1" }), /does not lead/);
  await leader.pass(20_000);
  assert.equal(leader.waits, false);
  leader.controller.stop();
});

test("a member that comes from another address is moved, whatever seats there are", async () => {
  const leader = new FakeLeader(["a", "b", "c"], ["d", "e"]);
  assert.equal(await leader.controller.admit({ id: "b", address: "b:1" }), true);
  assert.deepEqual(summary(leader), []);
  assert.equal(await leader.controller.admit({ id: "b", address: "b:2" }), true);
  assert.equal(await leader.controller.admit({ id: "e", address: "e:2" }), true);
  assert.deepEqual(summary(leader), ["+b - x", "+ -e x"]);
});
