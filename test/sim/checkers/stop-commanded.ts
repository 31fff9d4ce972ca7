/** I11: an agent stops a container only after a command has said so. */
import type { Container, SimEngine } from "../world/engine.ts";
import type { Truth } from "../world/truth.ts";
import { type ClusterChecker, expect } from "./checker.ts";

export class StopCommanded implements ClusterChecker {
  readonly name = "stop commanded (I11)";

  stopping(engine: SimEngine, container: Container, truth: Truth): void {
    const { allocId } = container.identity;
    const alloc = truth.state?.alloc(allocId);
    // One that the state no longer holds was told by a tombstone.
    const commanded = alloc === undefined || alloc.desiredStatus !== "run";
    expect(commanded, this, () => {
      return `${engine.host} stops ${container.name}, which shall run`;
    });
  }
}
