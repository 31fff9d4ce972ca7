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
  /** A write, known by its token, was answered well. */
  acknowledged?(token: string): void;
  /** Some server has replaced its state by a snapshot. */
  restored?(state: StateSnapshot): void;
  /** A container or a registration changed. */
  changed?(truth: Truth): void;
  /** Once a second after everything is healed; `now`: the leader's clock. */
  looked?(state: StateSnapshot, now: number): void;
  /** Everything is at rest; `servers`: the state of each that is up. */
  quiescent?(truth: Truth, servers: readonly StateSnapshot[]): void;
}

export function expect(
  condition: boolean,
  checker: Pick<ClusterChecker, "name">,
  message: () => string,
): void {
  if (!condition) throw new SimFailure("invariant", checker.name, message());
}
