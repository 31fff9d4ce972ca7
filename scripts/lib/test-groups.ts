/**
 * What `make test` runs, in order: cheap and telling first. A group is a list of test files, which
 * node:test runs, or a program that fails by its exit code.
 */

export interface TestGroup {
  readonly name: string;
  readonly says: string;
  /** Globs of test files; a file belongs to the first group that names it. */
  readonly files?: readonly string[];
  readonly command?: readonly string[];
  /** In one process: fast, but a file may then not spawn, listen or change the process. */
  readonly shared?: boolean;
  /** Files at once, where each has its own process. */
  readonly parallel?: number;
  /** Starts Docker and Consul where they can be had. */
  readonly realParts?: boolean;
  /** Fetches etcd where it can be had; its tests start it themselves. */
  readonly etcd?: boolean;
  /** Of the whole group. */
  readonly timeoutMs: number;
}

const MINUTE = 60_000;

export const TEST_GROUPS: readonly TestGroup[] = [
  {
    name: "check",
    says: "types, lint, layers, purity, tidy, unused code, documents",
    command: ["scripts/check.ts"],
    timeoutMs: 5 * MINUTE,
  },
  {
    name: "raft-sim",
    says: "consensus in a simulated world: seeds, and bugs that must be found",
    files: [
      "packages/node-raft/src/sim/{mutants,shrink,simulation,unharmed,unharmed-node}.test.ts",
      "packages/node-raft/src/lockstep/*.test.ts",
    ],
    parallel: 2,
    timeoutMs: 5 * MINUTE,
  },
  {
    name: "cluster-sim",
    says: "whole clusters in a simulated world: seeds",
    files: ["test/sim/**/*.test.ts"],
    parallel: 2,
    timeoutMs: 6 * MINUTE,
  },
  {
    name: "small-scope",
    says: "small clusters, every interleaving of deciders, clients and faults",
    files: ["test/small-scope/*.test.ts"],
    parallel: 2,
    timeoutMs: 6 * MINUTE,
  },
  {
    name: "mutants",
    says: "planted bugs, each of which must be found",
    files: ["test/mutants/*.test.ts"],
    timeoutMs: 8 * MINUTE,
  },
  {
    name: "machine",
    says: "one package on real processes, sockets, disks, Docker and Consul",
    files: [
      "packages/drivers/src/docker/{docker-driver,outage}.test.ts",
      "packages/drivers/src/raw-exec/*.test.ts",
      "packages/discovery/src/consul/real-consul.test.ts",
      "packages/client/src/*.{consul,docker}.test.ts",
      "packages/cli/src/main.test.ts",
      // Others' garbage would be in its way.
      "packages/agent/src/quiet-collection.test.ts",
      "packages/node-raft/src/{node,testing,wal,ws}/*.test.ts",
    ],
    parallel: 2,
    realParts: true,
    timeoutMs: 5 * MINUTE,
  },
  {
    name: "raft-real",
    says: "consensus in real processes, on networks and disks that fail",
    files: ["packages/node-raft/src/real/*.test.ts"],
    timeoutMs: 5 * MINUTE,
  },
  {
    name: "unit",
    says: "every package by itself",
    files: ["packages/*/src/**/*.test.ts"],
    shared: true,
    timeoutMs: 3 * MINUTE,
  },
  {
    name: "conformance",
    says: "recordings of a real Nomad, replayed",
    files: ["test/conformance/**/*.test.ts"],
    parallel: 2,
    realParts: true,
    timeoutMs: 15 * MINUTE,
  },
  {
    name: "integ",
    says: "several agents on loopback, without Docker; their servers on an etcd",
    files: ["test/integration/**/*.test.ts"],
    parallel: 2,
    etcd: true,
    timeoutMs: 8 * MINUTE,
  },
  {
    name: "e2e",
    says: "clusters of real agents on real Docker and Consul",
    files: ["test/e2e/**/*.test.ts"],
    parallel: 1,
    realParts: true,
    timeoutMs: 20 * MINUTE,
  },
];
