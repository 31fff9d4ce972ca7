/**
 * Health of members against the goldens of raft-autopilot (`../shared/conformance`, beside the
 * checkout). Here the leader alone judges health, from what it hears and what is acknowledged:
 * inputs without a leader do not apply, and neither do names, versions and node types.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { conformanceFolder } from "../testing/datadriven.ts";
import { membershipDefaults } from "./membership-controller.ts";
import { membershipHealth } from "./membership-health.ts";
import { emptyStatus } from "./status.ts";
import { watchMembers } from "./watch-members.ts";

const GOLDENS = conformanceFolder("raft-autopilot/testdata");
const NANOS_PER_MS = 1_000_000;
/** Scenario → why it says nothing of ours. */
const NOT_OURS: Readonly<Record<string, string>> = {
  "no-leader": "nobody judges health without a leader",
};

interface Stats {
  readonly LastContact?: number;
  readonly LastIndex: number;
}

interface Inputs {
  readonly Now: string;
  readonly Config: { readonly LastContactThreshold: number; readonly MaxTrailingLogs: number };
  readonly CurrentState: { readonly Servers?: Record<string, { readonly Stats: Stats }> };
  readonly RaftConfig: { readonly Servers: readonly { ID: string; Suffrage: number }[] };
  readonly LastTerm: number;
  readonly FetchedStats: Record<string, Stats>;
  readonly LeaderID: string;
}

interface Golden {
  readonly Healthy: boolean;
  readonly FailureTolerance: number;
  readonly Servers: Record<string, { Health: { Healthy: boolean; StableSince: string } }>;
  readonly Voters: readonly string[];
}

function judge(inputs: Inputs) {
  const { Config, RaftConfig, LeaderID, LastTerm } = inputs;
  // What was not fetched now is as it was before.
  const before = Object.entries(inputs.CurrentState.Servers ?? {});
  const known = Object.fromEntries(before.map(([id, { Stats }]) => [id, Stats]));
  const stats: Record<string, Stats> = { ...known, ...inputs.FetchedStats };
  const ids = (suffrage: (n: number) => boolean) =>
    RaftConfig.Servers.filter((server) => suffrage(server.Suffrage)).map((server) => server.ID);
  const lastIndex = stats[LeaderID]?.LastIndex ?? 0;
  const progress: Record<string, { match: number; next: number; state: string; active: boolean }> =
    {};
  const silentMs: Record<string, number> = {};
  for (const [id, { LastIndex, LastContact = 0 }] of Object.entries(stats)) {
    progress[id] = { match: LastIndex, next: LastIndex + 1, state: "replicate", active: true };
    silentMs[id] = LastContact / NANOS_PER_MS;
  }
  const empty = emptyStatus({ memberId: LeaderID, clusterId: "c" });
  const status = {
    ...empty,
    term: LastTerm,
    commit: lastIndex,
    lastIndex,
    conf: { ...empty.conf, voters: ids((n) => n === 0), learners: ids((n) => n !== 0) },
    progress,
    silentMs,
  };
  const now = Date.parse(inputs.Now);
  const facts = () => ({ zone: "", level: null });
  const settings = {
    ...membershipDefaults,
    contactMsMax: Config.LastContactThreshold / NANOS_PER_MS,
    trailingMax: Config.MaxTrailingLogs,
  };
  const look = { now, status, facts, spares: [], gapMsMax: 10_000 };
  return { now, members: watchMembers(null, look, settings).view.members };
}

for (const name of GOLDENS === null ? [] : readdirSync(GOLDENS).sort()) {
  const skip = NOT_OURS[name] ?? false;
  test(`health is judged as raft-autopilot does: ${name}`, { skip }, () => {
    const read = (file: string): unknown =>
      JSON.parse(readFileSync(join(GOLDENS ?? "", name, file), "utf8"));
    const inputs = read("inputs.json") as Inputs;
    const golden = read("state.json.golden") as Golden;
    const { now, members } = judge(inputs);
    for (const member of members) {
      const wanted = golden.Servers[member.id]?.Health;
      assert.equal(member.healthy, wanted?.Healthy, member.id);
      if (member.id === inputs.LeaderID) continue;
      assert.equal(now - member.healthyForMs, Date.parse(wanted?.StableSince ?? ""), member.id);
    }
    const voters = members.filter((member) => member.voter).map((member) => member.id);
    assert.deepEqual(voters.sort(), [...golden.Voters].sort());
    const { healthy, failureTolerance } = membershipHealth(members);
    assert.deepEqual([healthy, failureTolerance], [golden.Healthy, golden.FailureTolerance]);
  });
}
