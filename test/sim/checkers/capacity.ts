/** I5: no node is over capacity, and no port is desired or held twice. */
import type { Allocation, Node } from "@drover/model";
import type { StateSnapshot } from "@drover/state";
import type { Container, SimEngine } from "../world/engine.ts";
import { hasEnded } from "../world/truth.ts";
import { type AppliedEntry, type ClusterChecker, expect } from "./checker.ts";

export class Capacity implements ClusterChecker {
  readonly name = "capacity (I5)";

  applied({ command, after }: AppliedEntry): void {
    if (command.tag !== 6) return;
    const touched = new Set(command.plan.placements.map(({ nodeId }) => nodeId));
    for (const nodeId of touched) {
      const node = after.node(nodeId);
      if (node !== undefined) this.#check(after, node);
    }
  }

  started(engine: SimEngine, container: Container): void {
    for (const other of engine.running()) {
      if (other === container) continue;
      const twice = container.ports.find((port) => other.ports.includes(port));
      expect(twice === undefined, this, () => {
        return `${engine.host}: port ${twice} held by ${other.name} and ${container.name}`;
      });
    }
  }

  #check(state: StateSnapshot, node: Node): void {
    // A prepared one holds what the one that it replaces holds.
    const held = state
      .allocsByNode(node.id)
      .filter((a) => a.desiredStatus === "run" && !hasEnded(a) && a.phase !== "prepare");
    const cpu = sum(held, (a) => peak(a, (task) => task.cpu.cpuShares));
    const memory = sum(held, (a) => peak(a, (task) => task.memory.memoryMb));
    const { nodeResources } = node;
    expect(cpu <= nodeResources.cpu.cpuShares, this, () => `${node.name}: ${cpu} cpu shares`);
    expect(memory <= nodeResources.memory.memoryMb, this, () => `${node.name}: ${memory} MB`);
    const owners = new Map<number, string>();
    for (const alloc of held) {
      for (const { value } of alloc.allocatedResources.shared.ports) {
        const owner = owners.get(value);
        expect(owner === undefined, this, () => {
          return `${node.name}: port ${value} desired for ${owner} and ${alloc.id}`;
        });
        owners.set(value, alloc.id);
      }
    }
  }
}

type TaskResources = Allocation["allocatedResources"]["tasks"][string];

/** What its tasks hold at once at most: before, during or after the main ones, and throughout. */
function peak({ allocatedResources }: Allocation, amount: (task: TaskResources) => number): number {
  const during = { before: 0, main: 0, after: 0, always: 0 };
  for (const [name, task] of Object.entries(allocatedResources.tasks)) {
    const lifecycle = allocatedResources.taskLifecycles[name];
    const isBefore = lifecycle?.hook === "prestart";
    if (isBefore) during[lifecycle?.sidecar === true ? "always" : "before"] += amount(task);
    else during[lifecycle?.hook === "poststop" ? "after" : "main"] += amount(task);
  }
  return Math.max(during.before, during.main, during.after) + during.always;
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((all, item) => all + of(item), 0);
}
