/**
 * The candidates of one decision in random order, handed out one after the other and round again.
 * The order is drawn as far as it is asked for: most searches end after a few nodes of thousands.
 */
import type { Random } from "@drover/base";
import type { Node } from "@drover/model";

export class NodeRing {
  readonly #nodes: Node[];
  readonly #random: Random;
  /** How many places of the order are settled. */
  #drawn = 0;
  #at = 0;

  constructor(nodes: readonly Node[], random: Random) {
    this.#nodes = [...nodes];
    this.#random = random;
  }

  get size(): number {
    return this.#nodes.length;
  }

  /** Each search goes on where the last one ended, so that work spreads over the nodes. */
  next(): Node | undefined {
    const nodes = this.#nodes;
    if (this.#drawn < nodes.length) {
      const from = this.#drawn + this.#random.int(nodes.length - this.#drawn);
      const drawn = nodes[from] as Node;
      nodes[from] = nodes[this.#drawn] as Node;
      nodes[this.#drawn] = drawn;
      this.#drawn++;
      return drawn;
    }
    const node = nodes[this.#at];
    this.#at = (this.#at + 1) % Math.max(1, nodes.length);
    return node;
  }

  find(id: string): Node | undefined {
    return this.#nodes.find((node) => node.id === id);
  }
}
