/** One process of a long run: plays the blocks of seeds that it is sent, one after another. */
import { type Block, playBlock } from "./soak.ts";

const [commit = ""] = process.argv.slice(2);

// A seed that fails is played again by whoever looks into it; thousands of refusals need no stack.
Error.stackTraceLimit = 0;

process.on("message", (block: Block) => {
  void playBlock(block, commit).then((record) => process.send?.(record));
});
process.on("disconnect", () => process.exit(0));
