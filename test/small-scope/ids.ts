/**
 * Ids in the order in which they are minted. The order of two ids is then the order of what they
 * name, and renaming them by rank changes nothing that code can see by comparing them.
 */
import { type Random, SeededRandom } from "@drover/base";

const BYTES = 16;
const COUNTED = 4;
/** Of the draws by which nodes are chosen: where a plan places is a function of the state alone. */
const PLACEMENT_SEED = 1;

export class CountedIds implements Random {
  #minted: number;
  #drawn = 0;

  constructor(minted: number) {
    this.#minted = minted;
  }

  get minted(): number {
    return this.#minted;
  }

  next(): number {
    throw new Error("ids are minted byte by byte");
  }

  /** `mintUuid` asks for one byte after the other. */
  int(): number {
    const position = this.#drawn % BYTES;
    if (position === 0) this.#minted += 1;
    this.#drawn += 1;
    const shift = BYTES - 1 - position;
    return shift < COUNTED ? (this.#minted >>> (8 * shift)) & 255 : 0;
  }

  fork(): Random {
    return new SeededRandom(PLACEMENT_SEED);
  }
}
