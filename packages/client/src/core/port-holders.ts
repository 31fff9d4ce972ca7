/**
 * Who holds which address and port on this machine. The scheduler may hand a port from a stopping
 * allocation to its replacement in one plan; the replacement then waits here until the old one's
 * processes are gone (DESIGN §9). The answer does not depend on the order of releases.
 */
import type { AllocatedPort } from "@drover/model";

const ANY = new Set(["", "0.0.0.0", "::"]);

export class PortHolders {
  readonly #held = new Map<string, readonly AllocatedPort[]>();
  readonly #waiting = new Set<() => void>();

  /** Takes all the ports, or none and names a holder. Claiming again replaces the earlier claim. */
  claim(
    allocId: string,
    ports: readonly AllocatedPort[],
  ): { ok: true } | { ok: false; by: string } {
    const by = this.holder(allocId, ports);
    if (by !== null) return { ok: false, by };
    this.#held.set(allocId, ports);
    return { ok: true };
  }

  /** Another one that holds some of them; null = all are free. */
  holder(allocId: string, ports: readonly AllocatedPort[]): string | null {
    for (const [other, held] of this.#held) {
      if (other === allocId) continue;
      if (ports.some((port) => held.some((h) => collide(h, port)))) return other;
    }
    return null;
  }

  /** For a task that was found running: it holds its ports whoever else claims them. */
  restore(allocId: string, ports: readonly AllocatedPort[]): void {
    this.#held.set(allocId, ports);
  }

  release(allocId: string): void {
    if (!this.#held.delete(allocId)) return;
    for (const wake of [...this.#waiting]) wake();
  }

  /** Calls `wake` after each release. */
  onRelease(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }
}

function collide(a: AllocatedPort, b: AllocatedPort): boolean {
  if (a.value !== b.value || a.value === 0) return false;
  if (a.ignoreCollision && b.ignoreCollision) return false;
  return a.hostIp === b.hostIp || ANY.has(a.hostIp) || ANY.has(b.hostIp);
}
