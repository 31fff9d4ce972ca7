/**
 * I6: what was acknowledged is there on every server that has applied as much, whoever was lost.
 * The answer to each write is part of the replicated state, under the token of its request.
 */
import type { StateSnapshot } from "@drover/state";
import type { Truth } from "../world/truth.ts";
import { type AppliedEntry, type ClusterChecker, expect } from "./checker.ts";

export class Acknowledged implements ClusterChecker {
  readonly name = "acknowledged writes (I6)";
  /** Token → index of the entry that was first seen to carry it. */
  readonly #written = new Map<string, number>();
  readonly #acknowledged = new Set<string>();

  applied({ command, after }: AppliedEntry): void {
    const { token } = command;
    if (token !== "" && !this.#written.has(token)) this.#written.set(token, after.index);
  }

  acknowledged(token: string): void {
    const isWritten = this.#written.has(token);
    expect(isWritten, this, () => `${token} was acknowledged and nobody has applied it`);
    this.#acknowledged.add(token);
  }

  restored(state: StateSnapshot): void {
    this.#check(state);
  }

  quiescent(_truth: Truth, servers: readonly StateSnapshot[]): void {
    for (const state of servers) this.#check(state);
  }

  #check(state: StateSnapshot): void {
    const held = new Set<string>();
    for (const record of state.dump()) {
      if (record.kind === "row" && record.table === "tokens") held.add(record.key);
    }
    for (const token of this.#acknowledged) {
      const index = this.#written.get(token) ?? 0;
      expect(index > state.index || held.has(token), this, () => {
        return `${token}, written at ${index}, is not in the state at ${state.index}`;
      });
    }
  }
}
