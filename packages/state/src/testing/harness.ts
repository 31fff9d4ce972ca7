/**
 * A state machine for tests: numbers the entries, mints tokens and freezes every row that is
 * stored, so that a write into shared data throws.
 */
import { MOCK_NOW } from "@drover/model/testing";
import {
  COMMAND_VERSION,
  type Command,
  type CommandResult,
  type StateEvent,
} from "../commands/command.ts";
import { type Applied, StateMachineStore } from "../fsm.ts";
import { RestoredState } from "../restored-state.ts";
import type { DumpRecord, StateSnapshot } from "../snapshot.ts";

/** A command without what the harness fills in. */
export type CommandBody = {
  [C in Command as C["tag"]]: Omit<C, "v" | "now" | "token"> &
    Partial<Pick<C, "v" | "now" | "token">>;
}[Command["tag"]];

export class StateHarness {
  readonly state = new StateMachineStore();
  readonly commands: { readonly command: Command; readonly index: number }[] = [];
  now = MOCK_NOW;
  #index = 100;

  get snapshot(): StateSnapshot {
    return this.state.snapshot();
  }

  get index(): number {
    return this.#index;
  }

  apply(body: CommandBody): Applied {
    this.#index += 1;
    const command = {
      v: COMMAND_VERSION,
      now: this.now,
      token: `token-${this.#index}`,
      ...body,
    } as Command;
    this.commands.push({ command, index: this.#index });
    return this.state.apply(deepFreeze(command), this.#index);
  }

  /** Applies and expects acceptance. */
  accept(body: CommandBody): Extract<CommandResult, { ok: true }> {
    const { result } = this.apply(body);
    if (!result.ok) throw new Error(`rejected: ${result.message}`);
    return result;
  }

  /** Applies and expects a rejection; answers its text. */
  refuse(body: CommandBody): string {
    const before = this.snapshot;
    const { result } = this.apply(body);
    if (result.ok) throw new Error("accepted");
    if (before.tableIndex(...ALL_TABLES) !== this.snapshot.tableIndex(...ALL_TABLES)) {
      throw new Error("a rejected command changed a table");
    }
    return result.message;
  }

  events(body: CommandBody): readonly StateEvent[] {
    return this.apply(body).events;
  }
}

const ALL_TABLES = [
  "jobs",
  "jobVersions",
  "evals",
  "allocs",
  "deployments",
  "nodes",
  "services",
  "namespaces",
  "nodePools",
  "schedulerConfig",
] as const;

export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const member of Object.values(value)) deepFreeze(member);
  return value;
}

export function restoredFrom(records: Iterable<DumpRecord>): RestoredState {
  const restored = new RestoredState();
  for (const record of records) restored.add(record);
  return restored;
}
