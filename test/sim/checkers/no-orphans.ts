/**
 * I7: one container per allocation and task, on the node that the allocation is placed on. At rest
 * no container and no registration (I8) is without an allocation that shall run.
 */
import type { Container, SimEngine } from "../world/engine.ts";
import { hasEnded, type Truth } from "../world/truth.ts";
import { type ClusterChecker, expect } from "./checker.ts";

export class NoOrphans implements ClusterChecker {
  readonly name = "no orphans (I7, I8)";

  started(engine: SimEngine, container: Container, truth: Truth): void {
    const { allocId, taskName } = container.identity;
    const twins = truth
      .containersOf(allocId)
      .filter((one) => one.container.identity.taskName === taskName);
    expect(twins.length === 1, this, () => `${container.name} runs ${twins.length} times`);
    const alloc = truth.state?.alloc(allocId);
    expect(alloc === undefined || alloc.nodeId === engine.nodeId, this, () => {
      return `${container.name} started on ${engine.host}, placed on ${alloc?.nodeName}`;
    });
    expect(alloc?.phase !== "prepare", this, () => {
      return `${container.name} started, and shall only be prepared`;
    });
  }

  quiescent(truth: Truth): void {
    const { state } = truth;
    if (state === null) return;
    const isLive = (allocId: string): boolean => {
      const alloc = state.alloc(allocId);
      return alloc !== undefined && alloc.desiredStatus === "run" && !hasEnded(alloc);
    };
    for (const engine of truth.engines) {
      for (const container of engine.running()) {
        expect(isLive(container.identity.allocId), this, () => {
          return `${engine.host}: ${container.name} runs without an allocation`;
        });
      }
    }
    for (const { spec, host } of truth.catalog?.services.values() ?? []) {
      expect(isLive(spec.allocId), this, () => {
        return `${host}: ${spec.id} is registered without an allocation`;
      });
    }
  }
}
