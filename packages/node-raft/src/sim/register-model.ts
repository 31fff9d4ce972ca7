/** A register that is written and read, for the linearizability checker. */
import type { Operation, SequentialModel } from "./linearizability.ts";

export interface RegisterOperation extends Operation {
  readonly kind: "write" | "read";
  /** The value written or seen; 0 = the register's initial value. */
  readonly value: number;
}

export const registerModel: SequentialModel<number, RegisterOperation> = {
  initial: 0,
  effect: ({ kind }) => kind,
  step: (state, { kind, value }) => (kind === "write" || state === value ? value : null),
  whole: ({ value }) => value,
  describe: ({ kind, value }) => `${kind} of ${value}`,
};
