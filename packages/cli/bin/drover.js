// Loads the program from its sources, which needs a Node that strips types.
import module from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const NODE_WANTED = 24;

if (Number(process.versions.node.split(".")[0]) < NODE_WANTED) {
  console.error(
    `drover needs Node ${NODE_WANTED}, this is ${process.version}: run "npm install" in the project first`,
  );
  process.exit(1);
}
// Stripping types anew at each start takes longer than most commands do.
if (process.env.NODE_COMPILE_CACHE === undefined) {
  module.enableCompileCache(join(root, ".build", "compile-cache"));
}
await import("../src/main.ts");
