/**
 * The histories of Porcupine's test data (../shared/conformance/porcupine): logs of Jepsen on one
 * register of etcd, and of a key-value store, as operations for the checker.
 */
import type { Operation, SequentialModel } from "./linearizability.ts";

export interface CasOperation extends Operation {
  readonly kind: "read" | "write" | "cas";
  /** Written, compared, or seen; -1: seen to be without a value. */
  readonly value: number;
  readonly swap: number;
  /** cas: whether it found `value`. */
  readonly ok: boolean;
}

/** One register that begins without a value. */
export const casRegister: SequentialModel<number, CasOperation> = {
  initial: -1,
  effect: ({ kind }) => (kind === "cas" ? "update" : kind),
  step: (state, { kind, value, swap, ok, completedAt }) => {
    if (kind === "write") return value;
    if (kind === "read") return state === value ? state : null;
    if (completedAt === Infinity) return state === value ? swap : state;
    if (ok !== (state === value)) return null;
    return ok ? swap : state;
  },
  describe: ({ kind, value, swap, ok }) => `${kind} ${value} ${swap} ${ok}`,
};

export interface TextOperation extends Operation {
  readonly kind: "get" | "put" | "append";
  readonly key: string;
  /** Put, appended or seen. */
  readonly text: string;
}

/** One key of a store of texts, empty at first. */
export const textValue: SequentialModel<string, TextOperation> = {
  initial: "",
  effect: ({ kind }) => ({ get: "read", put: "write", append: "update" })[kind] as "read",
  step: (state, { kind, text }) => {
    if (kind === "put") return text;
    if (kind === "append") return state + text;
    return state === text ? state : null;
  },
  describe: ({ kind, text }) => `${kind} ${text}`,
};

type Draft<T> = { -readonly [K in keyof T]: T[K] };

const JEPSEN = /^INFO\s+jepsen\.util - (\d+)\s+:(\w+)\s+:(read|write|cas)\s+(.*)$/;

/** A process that learns nothing of an operation (`:info`) never comes back under its number. */
export function parseJepsenLog(text: string): CasOperation[] {
  const pending = new Map<string, Draft<CasOperation>>();
  const operations: Draft<CasOperation>[] = [];
  for (const [at, line] of text.split("\n").entries()) {
    const match = JEPSEN.exec(line);
    if (match === null) continue;
    const [, process = "", type = "", kind = "", rest = ""] = match;
    if (type === "invoke") {
      const [value = -1, swap = -1] = (rest.match(/\d+/g) ?? []).map(Number);
      const times = { invokedAt: at, completedAt: Infinity };
      const operation = { kind: kind as CasOperation["kind"], value, swap, ok: false, ...times };
      pending.set(process, operation);
      operations.push(operation);
      continue;
    }
    const operation = takeBegun(pending, process, at);
    // What timed out, whatever the log calls it, has no outcome that anybody knows.
    if (type === "info" || rest === ":timed-out") continue;
    operation.completedAt = at;
    operation.ok = type === "ok";
    if (kind === "read" && rest !== "nil") operation.value = Number(rest);
  }
  return operations;
}

function takeBegun<T>(pending: Map<string, T>, process: string, at: number): T {
  const operation = pending.get(process);
  if (operation === undefined) throw new Error(`line ${at + 1} ends what never began`);
  pending.delete(process);
  return operation;
}

const KV = /^\{:process (\d+), :type :(\w+), :f :(\w+), :key "(.*)", :value (?:nil|"(.*)")\}$/;

export function parseKvLog(text: string): TextOperation[] {
  const pending = new Map<string, Draft<TextOperation>>();
  const operations: Draft<TextOperation>[] = [];
  for (const [at, line] of text.split("\n").entries()) {
    if (line === "") continue;
    const match = KV.exec(line);
    if (match === null) throw new Error(`line ${at + 1} is not understood`);
    const [, process = "", type = "", kind = "", key = "", value = ""] = match;
    if (type === "invoke") {
      const times = { invokedAt: at, completedAt: Infinity };
      const operation = { kind: kind as TextOperation["kind"], key, text: value, ...times };
      pending.set(process, operation);
      operations.push(operation);
      continue;
    }
    const operation = takeBegun(pending, process, at);
    operation.completedAt = at;
    if (operation.kind === "get") operation.text = value;
  }
  return operations;
}
