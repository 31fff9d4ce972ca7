/** What must be true once nothing moves any more: the world equals what is desired, exactly. */
import assert from "node:assert/strict";
import type { AllocDoc } from "./api.ts";
import type { TestCluster } from "./cluster.ts";
import { consulServices, containersOf } from "./real-parts.ts";
import { waitUntil } from "./wait.ts";

/** Containers, registrations and allocations are the same set, by allocation id. */
export async function assertWorldMatches(
  cluster: TestCluster,
  options: { readonly service: string; readonly count: number; readonly timeoutMs?: number },
): Promise<void> {
  const clusterId = await cluster.clusterId();
  const api = cluster.alive[0]?.api;
  assert.ok(api, "an agent lives");
  const look = async () => {
    const allocs = await api.get<AllocDoc[]>("/v1/allocations");
    const wanted = allocs
      .filter((alloc) => alloc.DesiredStatus === "run" && alloc.ClientStatus === "running")
      .map((alloc) => alloc.ID)
      .sort();
    const containers = (await containersOf(clusterId)).map((one) => allocOf(one.Names[0] ?? ""));
    const services = (await consulServices())
      .filter((one) => one.Service === options.service)
      .map((one) => allocOf(one.ID));
    return { wanted, containers: containers.sort(), services: services.sort() };
  };
  await waitUntil(
    look,
    ({ wanted, containers, services }) =>
      wanted.length === options.count &&
      wanted.join() === containers.join() &&
      wanted.join() === services.join(),
    {
      timeoutMs: options.timeoutMs ?? 20_000,
      what: `containers and services of exactly ${options.count} allocations`,
    },
  );
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** Names hold the allocation's id, after the cluster's in a container's name. */
function allocOf(name: string): string {
  return name.match(UUID)?.at(-1) ?? name;
}
