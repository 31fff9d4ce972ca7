/** One property each. A checker sees events from outside the members and throws `SimFailure`. */
import type { ConfState, Entry, MemberId, Message, Role } from "../../core/types.ts";
import type { Quarantine } from "../../wal/storage.ts";
import { SimFailure } from "../failure.ts";
import type { DiskContent, ObservedWrite } from "../ledger.ts";

export interface MemberView {
  readonly id: MemberId;
  /** Counts the starts of the member. */
  readonly life: number;
  readonly role: Role;
  readonly term: number;
  readonly leader: MemberId | "";
  readonly commit: number;
  readonly applied: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly snapshotIndex: number;
  readonly conf: ConfState;
  /** Absent where there is no driver. */
  readonly quarantine?: Quarantine | null;
}

export interface Checker {
  readonly name: string;
  /** What a member finds on its disk, before the ledger knows. */
  booted?(id: MemberId, content: DiskContent): void;
  /** After each turn of a member, with what the turn wrote already in the ledger. */
  state?(view: MemberView): void;
  /** A turn's write, before the ledger has it. */
  issued?(id: MemberId, write: ObservedWrite): void;
  /** The disk has confirmed it. */
  durable?(id: MemberId, write: ObservedWrite): void;
  sent?(message: Message): void;
  /** `chain` is the digest of the member's state after the entry. */
  applied?(id: MemberId, entry: Entry, chain: number): void;
  restored?(id: MemberId, index: number, chain: number): void;
  /** It is on disk that the member's state must not be served. */
  quarantined?(id: MemberId): void;
}

export function expect(condition: boolean, checker: Checker, message: () => string): void {
  if (!condition) throw new SimFailure("invariant", checker.name, message());
}
