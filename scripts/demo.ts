/**
 * `make demo`: three real agents on loopback play the README's walkthrough and leave nothing behind.
 * `--embedded` (make demo-embedded) needs neither Docker nor Consul.
 */
import { findParts } from "./demo/parts.ts";

const { real, says, restore } = await findParts({ embedded: process.argv.includes("--embedded") });
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
