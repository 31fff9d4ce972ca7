/**
 * `make demo`: three real agents on loopback play the README's walkthrough and leave nothing behind.
 * `--real` (make demo-real) sets Docker and Consul up for it; `--embedded` (make demo-embedded)
 * needs neither.
 */
import { type DemoParts, findParts, type Wanted } from "./demo/parts.ts";

const { real, says, restore } = await findOrExit(wanted(process.argv));
console.log(says);
process.env.DROVER_TEST_DOCKER = real?.docker ?? "";
process.env.DROVER_TEST_CONSUL = real?.consul ?? "";
try {
  // Not before the variables are set: the cluster reads them when it is loaded.
  const { show } = await import("./demo/show.ts");
  await show(real !== null);
} catch (error) {
  const text = error instanceof Error ? error.message : String(error);
  console.error(`\nThe demo did not go as it should: ${text}`);
  process.exitCode = 1;
} finally {
  await restore();
}

function wanted(argv: readonly string[]): Wanted {
  if (argv.includes("--real")) return "own";
  return argv.includes("--embedded") ? "embedded" : "best";
}

async function findOrExit(what: Wanted): Promise<DemoParts> {
  try {
    return await findParts(what);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(1);
  }
}
