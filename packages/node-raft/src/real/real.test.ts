/**
 * A minute of real processes under faults; longer runs: `cli.ts` beside this. What cannot be had
 * here (namespaces, disks of their own) is said.
 */
import assert from "node:assert/strict";
import test from "node:test";
import type { NetworkKind } from "./network.ts";
import { forget, runReal } from "./run.ts";

const SECONDS = 30;
/** A run in which little happens proves little. */
const LEAST = { faults: 8, acknowledged: 500, reads: 250, level: 2 };

for (const [members, network] of [
  [3, "loopback"],
  [5, "namespaces"],
] as const satisfies readonly (readonly [number, NetworkKind])[]) {
  test(`${members} processes joined by ${network} keep their promises under faults`, async (t) => {
    const seed = seedOf(process.env.SEED);
    const result = await runReal({ members, network, seed, seconds: SECONDS });
    if (typeof result === "string") return t.skip(result);
    const { history, problem, folder } = result;
    for (const line of result.skipped) t.diagnostic(`skipped: ${line}`);
    const kinds = [...result.faults].map(([kind, count]) => `${count} ${kind}`);
    t.diagnostic(`seed ${seed}: ${kinds.join(", ")}`);
    assert.equal(problem, null, `SEED=${seed}, the history is kept in ${folder}`);
    forget(result);
    const faults = [...result.faults.values()].reduce((sum, count) => sum + count, 0);
    const { acknowledged, reads } = history;
    const { level } = result;
    for (const [what, count] of Object.entries({ faults, acknowledged, reads, level })) {
      const least = LEAST[what as keyof typeof LEAST];
      assert.ok(count >= least, `seed ${seed}, ${what}: ${count} of at least ${least}`);
    }
  });
}

/** Another one each time, unless one is asked for. */
function seedOf(asked: string | undefined): number {
  return asked === undefined ? Math.floor(Math.random() * 1_000_000) : Number(asked);
}
