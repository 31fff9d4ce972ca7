/** When each member was last heard of, by this member's clock. */
import type { MemberId } from "../core/types.ts";

export class Contacts {
  readonly #heardAt = new Map<MemberId, number>();

  heard(peer: MemberId, now: number): void {
    if (this.#heardAt.has(peer)) this.#heardAt.set(peer, now);
  }

  /** Silence counts from when a member is first known. */
  know(members: readonly MemberId[], now: number): void {
    for (const id of [...this.#heardAt.keys()]) if (!members.includes(id)) this.#heardAt.delete(id);
    for (const id of members) if (!this.#heardAt.has(id)) this.#heardAt.set(id, now);
  }

  /** From here on members answer to us: what was silent before had no reason to speak. */
  restart(now: number): void {
    for (const id of this.#heardAt.keys()) this.#heardAt.set(id, now);
  }

  silence(now: number): Record<MemberId, number> {
    const silence: Record<MemberId, number> = {};
    for (const [id, at] of this.#heardAt) silence[id] = Math.max(0, now - at);
    return silence;
  }
}
