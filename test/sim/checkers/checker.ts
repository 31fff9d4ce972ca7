/** One property of the whole cluster each. A checker is told what happened and throws. */
import type { Command, CommandResult, StateSnapshot } from "@drover/state";
import { SimFailure } from "@raft/node-raft/sim";
import type { Container, SimEngine } from "../world/engine.ts";
import type { Truth } from "../world/truth.ts";

/** One committed entry, told when the first server applies it. */
export interface AppliedEntry {
  readonly command: Command;
  readonly result: CommandResult;
  readonly before: StateSnapshot;
  readonly after: StateSnapshot;
}

export interface ClusterChecker {
  readonly name: string;
  applied?(entry: AppliedEntry, truth: Truth): void;
  started?(engine: SimEngine, container: Container, truth: Truth): void;
  stopping?(engine: SimEngine, container: Container, truth: Truth): void;
  /** A container or a registration changed. */
  changed?(truth: Truth): void;
  /** Everything is healed and at rest. */
  quiescent?(truth: Truth): void;
}

export function expect(
  condition: boolean,
  checker: Pick<ClusterChecker, "name">,
  message: () => string,
): void {
  if (!condition) throw new SimFailure("invariant", checker.name, message());
}
