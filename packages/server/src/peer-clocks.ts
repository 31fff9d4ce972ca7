/**
 * What the other servers' clocks say when leadership begins (DESIGN §6). Replicated time cannot
 * tell a clock that is ahead from a cluster that has been idle; the clocks of the others can.
 */
import { type Clock, errorText } from "@drover/base";
import type { PeerPool, RpcRouter } from "@drover/wire";
import type { Log } from "./context.ts";
import type { LogEngine } from "./log-engine.ts";

const METHOD = "server.clock";
/** A new leader waits no longer: most of a failover is the election. */
const WAIT_MS = 200;
/** Clocks that are kept by a time service differ by less. */
export const CLOCK_OFF_MS = 5_000;

export interface PeerClocksDeps {
  /** The machine's own. */
  readonly wall: Clock;
  readonly log: Log;
  readonly engine: Pick<LogEngine<unknown>, "peers">;
  readonly peers: PeerPool;
  readonly router: RpcRouter;
}

export class PeerClocks {
  readonly #deps: PeerClocksDeps;

  constructor(deps: PeerClocksDeps) {
    this.#deps = deps;
    deps.router.handle(METHOD, async () => deps.wall.now());
  }

  /**
   * How far the median of the servers' clocks is ahead of ours, ms; 0 = ours is one of many. Those
   * that do not answer in time are left out; nobody's silence keeps a leader from its work.
   */
  async offset(): Promise<number> {
    const { engine, wall } = this.#deps;
    const addresses = engine.peers();
    const heard = [0];
    await new Promise<void>((resolve) => {
      const cancel = wall.setTimer(wall.now() + WAIT_MS, resolve);
      let open = addresses.length;
      const end = () => {
        if (open > 0 && !isAgreed(heard, addresses.length + 1)) return;
        cancel();
        resolve();
      };
      const ask = async (address: string) => {
        const answer = await this.#ask(address);
        open -= 1;
        if (answer !== null) heard.push(answer - wall.now());
        end();
      };
      for (const address of addresses) void ask(address);
      end();
    });
    return medianOffset(heard);
  }

  /** null = no answer. */
  async #ask(address: string): Promise<number | null> {
    try {
      const peer = await this.#deps.peers.get(address);
      return await peer.call<null, number>(METHOD, null, { timeoutMs: WAIT_MS });
    } catch (error) {
      this.#deps.log("debug", "a server's clock is unknown", { address, error: errorText(error) });
      return null;
    }
  }
}

/** More than half of the members say what we say: whatever the others say, so will the median. */
function isAgreed(heard: readonly number[], members: number): boolean {
  return 2 * heard.filter((ms) => Math.abs(ms) <= CLOCK_OFF_MS).length > members;
}

/** Of two in the middle the one that is behind: time that goes on late lets nothing expire. */
export function medianOffset(offsets: readonly number[]): number {
  const sorted = offsets.toSorted((a, b) => a - b);
  const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  return Math.abs(median) > CLOCK_OFF_MS ? median : 0;
}
