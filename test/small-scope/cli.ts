/**
 * Explores small worlds: node test/small-scope/cli.ts [--wide] [--only NAME] [--audit N]
 * Prints a line for each; ends with 1 when an invariant is broken, and says by which path.
 */
import { parseArgs } from "node:util";
import { explore } from "./explore.ts";
import { DECISIONS, ENTRIES, MIXED, WIDE } from "./scopes.ts";

const { values } = parseArgs({
  options: {
    /** The larger ones, too. */
    wide: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    /** Of so many known worlds one is explored again. */
    audit: { type: "string", default: "20" },
  },
});

const all = [...ENTRIES, ...MIXED, ...DECISIONS, ...(values.wide ? WIDE : [])];
for (const scope of all.filter(({ name }) => name.includes(values.only))) {
  const began = process.cpuUsage();
  const result = explore(scope, { auditEvery: Number(values.audit) });
  const { audited, ends, failure, longest, states, transitions } = result;
  const { system, user } = process.cpuUsage(began);
  const seconds = ((system + user) / 1_000_000).toFixed(1);
  console.log(
    `${scope.name}: ${states} states, ${transitions} transitions, ${ends} ends, longest run ` +
      `${longest}, ${audited} explored twice, ${seconds} s of computing`,
  );
  if (failure === null) continue;
  console.log(`FAILED: ${failure.message}`);
  for (const label of failure.path) console.log(`  ${label}`);
  process.exitCode = 1;
}
