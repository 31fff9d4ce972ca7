/** What the world needs of a member, whatever drives its core. */
import type { MembershipChange } from "../core/options.ts";
import type { MemberId } from "../core/types.ts";
import type { MemberView } from "./checkers/checker.ts";
import type { Endpoint } from "./network.ts";
import type { ReadOperation, WriteOperation } from "./oracle.ts";
import type { SessionHost } from "./session-clients.ts";

/**
 * io: everything fails. full: nothing more can be written. lie: one sync fails and what it was to
 * make durable is lost, though from then on everything seems to be well (as Linux does it).
 */
export type DiskFailure = "io" | "full" | "lie";

export interface SimMember extends Endpoint {
  readonly id: MemberId;
  readonly up: boolean;
  readonly paused: boolean;
  /** It says that its state must not be served. */
  readonly quarantined?: boolean;
  /** Starts from what the disk holds. */
  boot(): void;
  /** Loses everything that the disk has not confirmed, or some of it. */
  crash(): void;
  /** Stops as a whole, sockets open; what arrives is looked at when it goes on. */
  pause(): void;
  resume(): void;
  /** Milliseconds added to each sync; Infinity = hangs until `recoverDisk`. */
  slowDisk(extraMs: number): void;
  recoverDisk(): void;
  /** Its operations fail; the member must stop by itself, which `stopped` hears. */
  breakDisk(how: DiskFailure, stopped: () => void): void;
  /**
   * Of one that is down: damages what the disk had confirmed, so that it must not start again;
   * `started` hears whether it did. False: there is nothing to damage.
   */
  rot?(started: (ok: boolean) => void): boolean;
  /** Its clock is so much later all at once. */
  jumpClock?(ms: number): void;
  peerCrashed(id: MemberId): void;
  /** False: not the leader, or it refuses now. */
  write(operation: WriteOperation): boolean;
  read(operation: ReadOperation): void;
  /** Of those with a driver; asked of one that is paused, they wait. */
  readByLease?(operation: ReadOperation): void;
  readStale?(key: string, maxStalenessMs: number | undefined): void;
  /** Of those with a driver that keeps them; null while it is down. */
  readonly sessions?: SessionHost | null;
  transfer(to: MemberId): void;
  change(change: MembershipChange): boolean;
  /** null while down. */
  view(): MemberView | null;
  /** Applied index and state digest. */
  state(): { readonly index: number; readonly chain: number };
}
