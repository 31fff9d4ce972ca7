/**
 * Recorded timelines of a real Nomad (`shared/reference/timeline`), played against real agents of
 * ours by the recordings' own player: those for one node here, on agents of one machine each; those
 * for several in `timelines-cluster.test.ts`, those of our own in `timelines-written.test.ts`. What
 * must hold whatever the speed is compared; where we differ on purpose, `timeline-differences.json`
 * has our own expectation.
 *
 * DROVER_TIMELINES="name,name" plays these alone.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { type ClusterOptions, TestCluster } from "../support/cluster.ts";
import { CONSUL, DOCKER, lacking } from "../support/real-parts.ts";
import {
  NO_RECORDINGS,
  parsePlayed,
  play,
  RECORDED,
  readExpectation,
  readScenario,
  recordedNames,
} from "../support/timeline-player.ts";
import { complaintsOf, type Difference } from "./differences.ts";
import { chosen, DIFFERENCES, playChecked } from "./play-checked.ts";

const DOCS = join(import.meta.dirname, "../../docs/differences.md");
const PARALLEL = 10;

test("every difference names a recorded check, its reason, and where users are told", {
  skip: NO_RECORDINGS,
}, () => {
  const docs = readFileSync(DOCS, "utf8").replaceAll(/\s+/g, " ");
  const { docker, reasons, scenarios } = DIFFERENCES;
  for (const [key, { see, why }] of Object.entries(reasons)) {
    assert.ok(why !== "", key);
    const isEntry = [`- ${see}`, `. **${see}`].some((entry) => docs.includes(entry));
    assert.ok(isEntry, `${key}: docs/differences.md has no entry "${see}"`);
  }
  const known = new Set(recordedNames(() => true));
  for (const [name, paths] of [...Object.entries(scenarios), ...Object.entries(docker)]) {
    assert.ok(known.has(name), `no scenario ${name}`);
    const { checks } = readExpectation(join(RECORDED, name));
    for (const [path, difference] of Object.entries(paths)) {
      if (difference === null) continue;
      assert.ok(reasons[difference.reason], `${name}: ${path}: no reason ${difference.reason}`);
      const kinds = ["is", "oneOf", "between", "batches"].filter((kind) => kind in difference);
      assert.equal(kinds.length, 1, `${name}: ${path}: one expectation`);
      const recorded = checks[path];
      if (recorded && "is" in difference) assert.notDeepEqual(recorded.is, difference.is, path);
    }
  }
});

test("the player's output is understood", () => {
  const output = [
    "ok   a: 3 passed, 0 failed",
    "FAIL b: 1 passed, 2 failed",
    "     bounds > api > maxLive",
    '       want {"atMost":6}',
    "       got  8",
    "     batches > api v1",
    '       want {"is":[1]}',
    "       got  undefined",
    "     error: timeout waiting for it",
    "4 passed, 2 failed",
  ].join("\n");
  assert.deepEqual(parsePlayed(output), {
    scenarios: 2,
    misses: [
      { scenario: "b", path: "bounds > api > maxLive", want: '{"atMost":6}', got: 8 },
      { scenario: "b", path: "batches > api v1", want: '{"is":[1]}', got: null },
      { scenario: "b", path: "error", want: "no error", got: "timeout waiting for it" },
    ],
  });
});

test("a run must meet what was recorded, or what is expected instead", () => {
  const miss = (got: unknown) => [{ scenario: "b", path: "p", want: '{"is":3}', got }];
  const cases: readonly [Difference | undefined, unknown, boolean][] = [
    [undefined, 4, false],
    [{ reason: "r", is: 4 }, 4, true],
    [{ reason: "r", is: 4 }, 5, false],
    [{ reason: "r", is: null }, null, true],
    [{ reason: "r", oneOf: [4, [5]] }, [5], true],
    [{ reason: "r", oneOf: [4, [5]] }, 5, false],
    [{ reason: "r", between: [4, 5] }, 5, true],
    [{ reason: "r", between: [4, 5] }, 6, false],
    [{ reason: "r", batches: { sum: 4, atMost: 2 } }, [2, 1, 1], true],
    [{ reason: "r", batches: { sum: 4, atMost: 2 } }, [3, 1], false],
    [{ reason: "r", batches: { sum: 4, atMost: 2 } }, [2, 1], false],
  ];
  for (const [difference, got, isFine] of cases) {
    const differences: Record<string, Record<string, Difference>> = {
      b: difference === undefined ? {} : { p: difference },
    };
    const complaints = complaintsOf(differences, ["b"], miss(got));
    assert.equal(complaints.length === 0, isFine, JSON.stringify([difference, got]));
  }
});

test("a difference that is no more is a fault, unless it depends on speed", () => {
  const stale = complaintsOf({ b: { p: { reason: "r", is: 4 } } }, ["b"], []);
  assert.deepEqual(
    stale.map(({ path }) => path),
    ["p"],
  );
  assert.deepEqual(complaintsOf({ b: { p: { reason: "r", is: 4 } } }, ["a"], []), []);
  assert.deepEqual(complaintsOf({ b: { p: { reason: "r", is: 4, varies: true } } }, ["b"], []), []);
});

const ON_ONE_NODE = chosen(recordedNames(({ cluster }) => cluster === "single"));

/** They look at Docker, at Consul, or at what answers on 127.0.0.1, where their agent has to be. */
function isOnLocalhost(name: string): boolean {
  const { http, needs } = readScenario(join(RECORDED, name));
  return needs !== undefined || http === true;
}

function lackingFor(name: string): string | false {
  const { needs = [] } = readScenario(join(RECORDED, name));
  return lacking(...([needs].flat() as ("docker" | "consul")[]));
}

test("timelines for one node pass as recorded, or differ on purpose", {
  skip: NO_RECORDINGS,
}, async (t) => {
  for (const name of ON_ONE_NODE.filter(lackingFor)) await t.test(name, { skip: lackingFor(name) });
  const names = ON_ONE_NODE.filter((name) => lackingFor(name) === false);
  const onLocalhost = names.filter(isOnLocalhost);
  const anywhere = names.filter((name) => !isOnLocalhost(name));
  const share = Math.max(0, Math.ceil(names.length / 2) - onLocalhost.length);
  await Promise.all([
    playOn({ agents: 1 }, anywhere.slice(share)),
    playOn({ agents: 1, docker: DOCKER !== "", consul: CONSUL !== "", shareLocalhost: true }, [
      ...onLocalhost,
      ...anywhere.slice(0, share),
    ]),
  ]);
});

async function playOn(options: ClusterOptions, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const cluster = await TestCluster.start({ ...options });
  try {
    const addresses = cluster.agents.map(({ api }) => `http://${api.address}`);
    const recorded = names.map((name) => join(RECORDED, name));
    await playChecked(recorded, (folders, parallel) => play({ addresses, folders, parallel }), {
      parallel: PARALLEL,
    });
  } finally {
    await cluster.stop();
  }
}
