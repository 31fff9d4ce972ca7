/** `/v1/metrics`: Prometheus text, or the JSON form that users of the field know. */

import type { ClientAgent } from "@drover/client";
import type { Server } from "@drover/server";
import type { CommandResult } from "@drover/state";
import type { RaftNode } from "@raft/node-raft";

const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

export interface MetricSources {
  readonly server: Server | null;
  readonly client: ClientAgent | null;
  readonly raft: RaftNode<CommandResult> | null;
}

interface Reading {
  readonly name: string;
  readonly help: string;
  readonly value: number;
}

function readings(sources: MetricSources): Reading[] {
  const status = sources.raft?.status();
  const memory = process.memoryUsage();
  const all: Reading[] = [
    { name: "runtime_rss_bytes", help: "Resident memory of the agent.", value: memory.rss },
    { name: "runtime_heap_bytes", help: "JavaScript heap in use.", value: memory.heapUsed },
  ];
  if (status) {
    all.push(
      { name: "raft_term", help: "Current term.", value: status.term },
      { name: "raft_commit_index", help: "Highest committed entry.", value: status.commit },
      { name: "raft_applied_index", help: "Highest applied entry.", value: status.applied },
      {
        name: "raft_is_leader",
        help: "1 while this agent leads.",
        value: status.leader === status.memberId ? 1 : 0,
      },
      {
        name: "raft_quarantined",
        help: "1 while this agent's state is not the majority's.",
        value: status.quarantine === null ? 0 : 1,
      },
    );
  }
  if (sources.client) {
    const value = sources.client.allocIds.length;
    all.push({ name: "client_allocations", help: "Allocations this node knows.", value });
  }
  return all;
}

export async function renderMetrics(
  format: string,
  sources: MetricSources,
): Promise<{ body: string; contentType: string }> {
  const all = readings(sources);
  if (format !== "prometheus") {
    const gauges = all.map(({ name, value }) => ({
      Labels: {},
      Name: `nomad.${name.replaceAll("_", ".")}`,
      Value: value,
    }));
    const body = {
      Counters: [],
      Gauges: gauges,
      Points: [],
      PrecisionGauges: [],
      Samples: [],
      Timestamp: new Date().toISOString(),
    };
    return { body: JSON.stringify(body), contentType: "application/json" };
  }
  // Most agents are never scraped: 90 modules that the others do without.
  const { Gauge, Registry } = await import("prom-client");
  const registry = new Registry();
  for (const { name, help, value } of all) {
    new Gauge({ name: `drover_${name}`, help, registers: [registry] }).set(value);
  }
  return { body: await registry.metrics(), contentType: PROMETHEUS_TYPE };
}
