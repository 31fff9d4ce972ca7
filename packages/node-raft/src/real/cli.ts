/**
 * node src/real/cli.ts [--members 3] [--minutes 1] [--seed N] [--network loopback|namespaces]
 *   [--mutant NAME]
 * node src/real/cli.ts --check FOLDER
 *
 * Members that are processes of their own, on disks and networks that fail, under clients. Prints
 * what happened and exits 1 when something acknowledged was lost, no order explains what clients
 * saw, or the healed cluster does not serve; then the folder with the history is kept, and --check
 * looks at it again. A seed decides the faults and what clients ask for, not how fast anything is.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { copyWithBug } from "../sim/load-mutant.ts";
import { mutants } from "../sim/mutants.ts";
import { loadSteps, wrongOrder } from "./history.ts";
import type { NetworkKind } from "./network.ts";
import { forget, type RealOptions, runReal } from "./run.ts";

const { values } = parseArgs({
  options: {
    members: { type: "string", default: "3" },
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    network: { type: "string" },
    mutant: { type: "string" },
    check: { type: "string" },
  },
});

process.exitCode = (values.check === undefined ? await run() : check(values.check)) ? 0 : 1;

function check(folder: string): boolean {
  const wrong = wrongOrder(loadSteps(join(folder, "history.jsonl")));
  console.log(wrong ?? "linearizable");
  return wrong === null;
}

async function run(): Promise<boolean> {
  const mutant = mutants.find(({ name }) => name === values.mutant);
  if (values.mutant !== undefined && mutant === undefined) throw new Error("no such mutant");
  const sources = mutant && copyWithBug(mutant);
  try {
    return await runOnce(sources && join(sources, "testing/member-process.ts"));
  } finally {
    if (sources !== undefined) rmSync(sources, { recursive: true });
  }
}

async function runOnce(entry: string | undefined): Promise<boolean> {
  const { members, minutes, network } = values;
  const options = {
    ...{ members: Number(members), seconds: Number(minutes) * 60, seed: Number(values.seed) },
    entry,
  };
  const kinds: NetworkKind[] =
    network === "loopback" || network === "namespaces" ? [network] : ["namespaces", "loopback"];
  for (const kind of kinds) {
    const outcome = await runOn({ ...options, network: kind });
    if (outcome !== null) return outcome;
  }
  return false;
}

/** null: there is no such network. */
async function runOn(options: RealOptions): Promise<boolean | null> {
  const result = await runReal(options);
  if (typeof result === "string") {
    console.log(`skipped: ${result}`);
    return null;
  }
  const { history, faults, level, skipped, problem, folder } = result;
  for (const line of skipped) console.log(`skipped: ${line}`);
  for (const [kind, count] of [...faults].sort())
    console.log(`${String(count).padStart(8)} ${kind}`);
  const { acknowledged, reads, unknown, refused } = history;
  console.log(
    `${options.members} members, ${options.network}, seed ${options.seed}, ${options.seconds} s: ` +
      `${acknowledged} commands acknowledged, ${reads} reads answered, ` +
      `${unknown} of unknown outcome, ${refused} refused, upgraded to level ${level}`,
  );
  if (problem === null) {
    console.log("linearizable, nothing acknowledged is lost, all members alike");
    forget(result);
    return true;
  }
  const { members, network, seed, seconds } = options;
  console.log(`FAILED: ${problem}`);
  console.log(`history, faults, logs and disks: ${folder}`);
  const mutant = values.mutant === undefined ? "" : ` --mutant ${values.mutant}`;
  const again = `--members ${members} --minutes ${seconds / 60} --network ${network}${mutant}`;
  console.log(`again: node packages/node-raft/src/real/cli.ts --seed ${seed} ${again}`);
  return false;
}
