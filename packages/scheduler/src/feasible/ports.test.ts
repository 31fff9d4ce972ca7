/** Ports belong to addresses; agents of one machine share them (spec §6.4, §7.4). */
import assert from "node:assert/strict";
import test from "node:test";
import type { Network, Node, Port } from "@drover/model";
import { mockTask } from "@drover/model/testing";
import { Harness, withAddress } from "../testing/harness.ts";
import { rollingJob } from "../testing/jobs.ts";
import { parsePortRanges } from "./host-ports.ts";

function port(label: string, value = 0, to = 0): Port {
  return { label, value, to, hostNetwork: "default", ignoreCollision: false };
}

function network(change: Partial<Network>): Network {
  return {
    mode: "",
    device: "",
    cidr: "",
    ip: "",
    hostname: "",
    mBits: 0,
    dns: null,
    reservedPorts: [],
    dynamicPorts: [],
    cni: null,
    ...change,
  };
}

function jobWith(
  networks: Network[],
  options: { count?: number; id?: string; image?: string } = {},
) {
  const { count = 1, id = "example", image = "1" } = options;
  const tasks = [mockTask({ config: { image } })];
  return rollingJob({ count, id, group: { networks, tasks } });
}

function shareAddress(harness: Harness, address: string, range?: [number, number]): void {
  for (const node of [...harness.state.nodes()]) {
    const resources = withAddress(node, address);
    const [minDynamicPort, maxDynamicPort] = range ?? [20_000, 32_000];
    harness.changeNode(node.id, {
      nodeResources: { ...resources, minDynamicPort, maxDynamicPort },
    });
  }
}

function ports(harness: Harness, id = "example"): number[] {
  return harness
    .live({ namespace: "default", id })
    .flatMap((alloc) => alloc.allocatedResources.shared.ports.map((each) => each.value));
}

test("a dynamic port lies in the node's range and is recorded twice, as network and as port", () => {
  const harness = new Harness({ nodes: 1 });
  const { plan } = harness.register(jobWith([network({ dynamicPorts: [port("http", 0, 8080)] })]));
  const shared = plan.placements[0]?.allocatedResources.shared;
  const [assigned] = shared?.ports ?? [];
  assert.ok(assigned && assigned.value >= 20_000 && assigned.value <= 32_000);
  assert.equal(assigned.hostIp, "10.0.0.0");
  assert.equal(assigned.to, 8080);
  assert.equal(shared?.networks[0]?.ip, "10.0.0.0");
  assert.equal(shared?.networks[0]?.dynamicPorts[0]?.value, assigned.value);
});

test("to = -1 means the same port inside", () => {
  const harness = new Harness({ nodes: 1 });
  const { plan } = harness.register(jobWith([network({ dynamicPorts: [port("http", 0, -1)] })]));
  const [assigned] = plan.placements[0]?.allocatedResources.shared.ports ?? [];
  assert.equal(assigned?.to, assigned?.value);
});

test("a narrow range is used up to its last port and not beyond", () => {
  const harness = new Harness({ nodes: 1 });
  shareAddress(harness, "10.0.0.1", [20_000, 20_003]);
  const result = harness.register(
    jobWith([network({ dynamicPorts: [port("http")] })], { count: 5 }),
  );
  assert.deepEqual(ports(harness).toSorted(), [20_000, 20_001, 20_002, 20_003]);
  assert.deepEqual(result.failedGroups.web?.dimensionExhausted, {
    "network: dynamic port selection failed": 1,
  });
});

test("agents that share an address share its ports", () => {
  const harness = new Harness({ nodes: 3 });
  shareAddress(harness, "127.0.0.1", [20_000, 20_005]);
  harness.register(jobWith([network({ dynamicPorts: [port("http")] })], { count: 6 }));
  assert.equal(new Set(ports(harness)).size, 6);
});

test("a static port is taken once per address", () => {
  const harness = new Harness({ nodes: 2 });
  shareAddress(harness, "127.0.0.1");
  const result = harness.register(
    jobWith([network({ reservedPorts: [port("http", 15_999)] })], { count: 2 }),
  );
  assert.equal(ports(harness).length, 1);
  assert.deepEqual(result.failedGroups.web?.dimensionExhausted, {
    "network: reserved port collision http=15999": 2,
  });
});

test("a node with two addresses takes two allocations of one static port", () => {
  const harness = new Harness({ nodes: 1 });
  const [node] = [...harness.state.nodes()] as [Node];
  const [first] = node.nodeResources.nodeNetworks;
  assert.ok(first);
  const address = {
    family: "ipv6",
    alias: "default",
    address: "::1",
    reservedPorts: "",
    gateway: "",
  };
  const nodeNetworks = [{ ...first, addresses: [...first.addresses, address] }];
  harness.changeNode(node.id, { nodeResources: { ...node.nodeResources, nodeNetworks } });
  harness.register(jobWith([network({ reservedPorts: [port("http", 15_999)] })], { count: 3 }));
  assert.deepEqual(ports(harness), [15_999, 15_999]);
});

test("a static port passes from the old allocation to the new one of a destructive update", () => {
  const harness = new Harness({ nodes: 1 });
  const networks = [network({ reservedPorts: [port("http", 15_999)] })];
  const job = jobWith(networks);
  harness.register(job);
  harness.rollToEnd(job);
  const { plan } = harness.register(jobWith(networks, { image: "2" }));
  assert.equal(plan.stops.length, 1);
  assert.equal(plan.placements.length, 1);
});

test("a dynamic port is not given out while its last holder has not stopped, nor just after", () => {
  const harness = new Harness({ nodes: 1 });
  shareAddress(harness, "10.0.0.1", [20_000, 20_000]);
  const networks = [network({ dynamicPorts: [port("http")] })];
  const job = jobWith(networks);
  harness.register(job);
  harness.settle(job);
  harness.register({ ...job, stop: true });
  const other = jobWith(networks, { id: "other" });
  assert.equal(harness.register(other).plan.placements.length, 0);
  harness.settle(job);
  assert.equal(harness.evaluate(other).plan.placements.length, 0);
  harness.now += 61_000;
  assert.equal(harness.evaluate(other).plan.placements.length, 1);
});

test("reserved ports of a node are never given out", () => {
  const harness = new Harness({ nodes: 1 });
  shareAddress(harness, "10.0.0.1", [20_000, 20_002]);
  const [node] = [...harness.state.nodes()] as [Node];
  const reservedResources = {
    ...node.reservedResources,
    networks: { reservedHostPorts: "22,20000-20001" },
  };
  harness.changeNode(node.id, { reservedResources });
  harness.register(jobWith([network({ dynamicPorts: [port("http")] })]));
  assert.deepEqual(ports(harness), [20_002]);
  const taken = jobWith([network({ reservedPorts: [port("ssh", 22)] })], { id: "ssh" });
  assert.equal(harness.register(taken).plan.placements.length, 0);
});

test("a host network that the node lacks filters it", () => {
  const harness = new Harness({ nodes: 1 });
  const inner = { ...port("http"), hostNetwork: "inner" };
  const result = harness.register(jobWith([network({ dynamicPorts: [inner] })]));
  assert.deepEqual(result.failedGroups.web?.constraintFiltered, {
    'missing host network "inner" for port "http"': 1,
  });
  const bridge = harness.register(jobWith([network({ mode: "bridge" })], { id: "bridge" }));
  assert.deepEqual(bridge.failedGroups.web?.constraintFiltered, { "missing network": 1 });
});

test("port lists read as single ports and ranges", () => {
  assert.deepEqual([...parsePortRanges("22, 80,8500-8502,,x")], [22, 80, 8500, 8501, 8502]);
});
