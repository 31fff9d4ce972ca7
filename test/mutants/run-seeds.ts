/**
 * node run-seeds.ts COUNT: prints the first of so many seeds that an invariant finds broken, as
 * JSON, or null. An exception of the code itself is no finding.
 */
import { runSeed } from "../sim/simulation.ts";
import type { Found } from "./kill.ts";

const count = Number(process.argv[2]);
console.log(JSON.stringify(await find()));
// What a mutant has left behind may keep the process.
process.exit(0);

async function find(): Promise<Found | null> {
  for (let seed = 1; seed <= count; seed += 1) {
    const { failure } = await runSeed(seed);
    if (failure !== null && failure.kind !== "crash") return { seed, by: failure.checker };
  }
  return null;
}
