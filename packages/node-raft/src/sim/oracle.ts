/**
 * The clients' view: every write has a serial number of its own, an acknowledged one must stay, an
 * unknown one may have happened at most once, and every read sees what was acknowledged before it.
 */
import type { MemberId } from "../core/types.ts";
import { EntryKind } from "../core/types.ts";
import { digestEntry } from "./digest.ts";
import { SimFailure } from "./failure.ts";
import type { Ledger } from "./ledger.ts";
import { checkLinearizable, historiesOf } from "./linearizability.ts";
import { type Command, encodeCommand } from "./register-machine.ts";
import { type RegisterOperation, registerModel } from "./register-model.ts";

export interface WriteOperation {
  readonly kind: "write";
  readonly command: Command;
  readonly invokedAt: number;
  completedAt: number;
  /** 0 = not acknowledged. */
  index: number;
  /** By a session: proposed again and again, as entries that hold more than the command. */
  readonly repeated: boolean;
  /** Its client was told that it will never happen. */
  refused: boolean;
}

export interface ReadOperation {
  readonly kind: "read";
  readonly key: string;
  readonly invokedAt: number;
  /** Highest index that anyone was told of when the read began. */
  readonly floor: number;
  completedAt: number;
  value: number;
}

export class Oracle {
  readonly #now: () => number;
  readonly #writes: WriteOperation[] = [];
  readonly #reads: ReadOperation[] = [];
  /** Where the state machines applied each write; only those that tell. */
  readonly #appliedAt = new Map<number, number>();
  #serial = 0;
  #floor = 0;
  /** When it rose, and to what. */
  readonly #floors: { readonly at: number; readonly floor: number }[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  get acknowledged(): number {
    return this.#writes.filter((write) => write.index > 0).length;
  }

  get answered(): number {
    return this.#reads.filter((read) => read.completedAt !== Infinity).length;
  }

  invokeWrite(key: string, repeated = false): WriteOperation {
    this.#serial += 1;
    const command = { key, serial: this.#serial };
    const common = { command, invokedAt: this.#now(), completedAt: Infinity, index: 0 };
    const write = { kind: "write" as const, ...common, repeated, refused: false };
    this.#writes.push(write);
    return write;
  }

  /** A state machine applied the command: everywhere at the same index, and nowhere twice. */
  applied(by: MemberId, index: number, { serial }: Command): void {
    const known = this.#appliedAt.get(serial);
    if (known === undefined) this.#appliedAt.set(serial, index);
    else if (known !== index) {
      fail("applied-twice", `${by} applied write ${serial} at ${index}; it was at ${known} before`);
    }
  }

  /** `result` is what the state machine said when it applied the command: the index. */
  completeSessionWrite(write: WriteOperation, index: number, result: number): void {
    if (result !== index) {
      const message = `write ${write.command.serial} has the result of ${result}, not of ${index}`;
      fail("first-result", message);
    }
    this.completeWrite(write, index);
  }

  completeWrite(write: WriteOperation, index: number): void {
    write.completedAt = this.#now();
    write.index = index;
    this.#raiseFloor(index);
  }

  invokeRead(key: string): ReadOperation {
    const common = { key, invokedAt: this.#now(), floor: this.#floor };
    const read = { kind: "read" as const, ...common, completedAt: Infinity, value: 0 };
    this.#reads.push(read);
    return read;
  }

  /** `index`: the member's applied index when it looked up `value`. */
  completeRead(read: ReadOperation, by: MemberId, index: number, value: number): void {
    read.completedAt = this.#now();
    read.value = value;
    if (index < read.floor) {
      const message = `${by} answered a read at ${index}, ${read.floor} was acknowledged before it`;
      throw new SimFailure("oracle", "stale-read", message);
    }
    this.#raiseFloor(index);
  }

  /** A stale read at `index` that says how old it is: all that was told before then is in it. */
  completeStaleRead(by: MemberId, index: number, ageMs: number): void {
    const before = this.#now() - ageMs;
    const floor = this.#floors.findLast(({ at }) => at < before)?.floor ?? 0;
    if (index >= floor) return;
    const message = `${by} read at ${index} and said ${ageMs} ms, ${floor} was known before`;
    fail("stale-age", message);
  }

  #raiseFloor(index: number): void {
    if (index <= this.#floor) return;
    this.#floor = index;
    this.#floors.push({ at: this.#now(), floor: index });
  }

  /**
   * At the end: nothing acknowledged is missing, nothing happened twice, registers are
   * linearizable.
   */
  finish(ledger: Ledger): void {
    const found = new Map<number, number>();
    const digests = ledger.committed.map((slot) => slot.digest);
    for (const digest of digests) found.set(digest, (found.get(digest) ?? 0) + 1);
    for (const write of this.#writes) {
      const { command, index } = write;
      const digest = digestCommand(command);
      const count = found.get(digest) ?? 0;
      this.#finishApplied(write);
      if (index > 0 && !write.repeated && digests[index - 1] !== digest) {
        fail("lost-write", `write ${command.serial}, acknowledged at ${index}, is not there`);
      }
      if (count > 1) fail("double-write", `write ${command.serial} happened ${count} times`);
    }
    const wrong = checkLinearizable(registerModel, historiesOf(this.#operations()));
    if (wrong !== null) fail("linearizability", wrong);
  }

  #finishApplied({ command: { serial }, index, repeated, refused }: WriteOperation): void {
    const appliedAt = this.#appliedAt.get(serial);
    if (repeated && index > 0 && appliedAt !== index) {
      fail("lost-write", `write ${serial}, acknowledged at ${index}, was applied at ${appliedAt}`);
    }
    if (refused && appliedAt !== undefined) {
      fail("refused-write", `write ${serial}, refused for ever, was applied at ${appliedAt}`);
    }
  }

  *#operations(): Iterable<RegisterOperation & { readonly key: string }> {
    for (const { kind, command, invokedAt, completedAt } of this.#writes) {
      yield { kind, key: command.key, value: command.serial, invokedAt, completedAt };
    }
    yield* this.#reads;
  }
}

function digestCommand(command: Command): number {
  const data = encodeCommand(command);
  return digestEntry({ index: 0, term: 0, kind: EntryKind.normal, data });
}

function fail(checker: string, message: string): never {
  throw new SimFailure("oracle", checker, message);
}
