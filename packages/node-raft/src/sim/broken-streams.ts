/** Snapshots on their way to a member; their connection breaks now and then somewhere. */
import type { MemberId } from "../core/types.ts";
import type { SnapshotStream } from "../node/api.ts";
import { digestBytes } from "./digest.ts";
import { SimRandom } from "./random.ts";
import type { World } from "./world.ts";

const BREAK_CHANCE = 0.4;

export class BrokenStreams {
  readonly #world: World;
  readonly #random: SimRandom;

  constructor(id: MemberId, world: World) {
    this.#world = world;
    this.#random = new SimRandom(world.scenario.seed, `streams to ${id}`);
  }

  of(sender: MemberId, data: Uint8Array): SnapshotStream {
    // The same file of the same sender.
    return { id: `${sender} ${digestBytes(data)}`, from: (offset) => this.#from(offset, data) };
  }

  async *#from(offset: number, data: Uint8Array): AsyncGenerator<Uint8Array> {
    const { network, trace } = this.#world;
    const rest = data.subarray(offset);
    if (offset > 0) trace.count("snapshot goes on");
    if (network.calm || !this.#random.chance(BREAK_CHANCE)) {
      yield rest;
      return;
    }
    trace.count("fault snapshot broken off");
    yield rest.subarray(0, this.#random.int(rest.length + 1));
    throw new Error("the connection broke");
  }
}
