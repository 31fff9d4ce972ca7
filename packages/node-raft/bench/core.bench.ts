/**
 * How long one call of the pure core takes: three of them joined by a queue, without disk and
 * network, under entries that come in batches as they do from 256 clients.
 * `node bench/core.bench.ts [--batches 2000]`.
 */
import { parseArgs } from "node:util";
import { type Figure, showFigures } from "../../../test/bench/figure.ts";
import { quantile } from "../../../test/bench/stats.ts";
import { bootstrapState } from "../src/core/bootstrap.ts";
import { RaftCore } from "../src/core/raft.ts";
import type { Message } from "../src/core/types.ts";
import { raftDefaults } from "../src/node/limits.ts";
import { SimRandom } from "../src/sim/random.ts";
import { ENTRY_BYTES } from "./floors.ts";

const BATCH = 256;
const WARM_UP = 200;
/** Behind a snapshot the log is dropped, as the driver does. */
const COMPACT_EVERY = 40;
const STEP_LIMIT_MS = 1;
const IDS = ["a", "b", "c"];

const { values } = parseArgs({ options: { batches: { type: "string", default: "2000" } } });
const batches = Number(values.batches);
const samples: number[] = [];
const start = bootstrapState(IDS.map((id) => ({ id, address: `${id}:1` })));
const cores = new Map(
  IDS.map((id, seed) => {
    const random = new SimRandom(seed);
    const initial = { hardState: start.hardState, snapshot: null, entries: [...start.entries] };
    return [id, new RaftCore({ id, limits: raftDefaults, random, initial })] as const;
  }),
);

const leader = elect();
for (let batch = 0; batch < WARM_UP + batches; batch++) {
  if (batch === WARM_UP) samples.length = 0;
  const entries = Array.from({ length: BATCH }, () => new Uint8Array(ENTRY_BYTES));
  const result = timed(() => leader.propose(entries));
  if (result.kind !== "accepted") throw new Error(`refused: ${result.reason}`);
  settle();
  if (batch % COMPACT_EVERY === 0) for (const core of cores.values()) compact(core);
}
const bare = barePerEntry();
if (showFigures([figure()]) > 0) process.exitCode = 1;

function elect(): RaftCore {
  for (let tick = 0; tick < 1_000; tick++) {
    for (const core of cores.values()) {
      core.tick();
      settle();
      if (core.status().role === "leader") return core;
    }
  }
  throw new Error("nobody was elected");
}

function timed<T>(call: () => T): T {
  const from = performance.now();
  const result = call();
  samples.push(performance.now() - from);
  return result;
}

/** Delivers everything until nobody has anything to say; every write is durable at once. */
function settle(): void {
  for (let again = true; again; ) {
    again = false;
    for (const core of cores.values()) {
      for (const message of turn(core)) {
        again = true;
        const to = cores.get(message.to);
        if (to !== undefined) timed(() => to.step(message));
      }
    }
  }
}

function turn(core: RaftCore): readonly Message[] {
  const out: Message[] = [];
  for (;;) {
    const effects = timed(() => core.takeEffects());
    out.push(...effects.send);
    for (const append of effects.appends) {
      out.push(...append.onDurable);
      timed(() => core.durable(append));
    }
    const last = effects.apply.at(-1);
    if (last !== undefined) timed(() => core.applied(last.index));
    if (effects.appends.length === 0 && effects.apply.length === 0) return out;
  }
}

function compact(core: RaftCore): void {
  const { applied } = core.status();
  core.snapshotTaken(core.snapshotMeta(applied));
  core.compacted(applied);
}

/** Of what nothing can do without: each entry kept in two lists; ms for a batch. */
function barePerEntry(): number {
  const kept: number[] = [];
  for (let batch = 0; batch < WARM_UP + batches; batch++) {
    const from = performance.now();
    const log: object[] = [];
    for (let i = 0; i < BATCH; i++) log.push({ index: i, term: 1, data: batch });
    log.slice();
    if (batch >= WARM_UP) kept.push(performance.now() - from);
  }
  return quantile(kept, 0.99);
}

function figure(): Figure {
  const p99 = quantile(samples, 0.99);
  const shown = (value: number) => `${value.toFixed(3)} ms`;
  return {
    name: `one call of the core, batches of ${BATCH} entries, p99`,
    measured: shown(p99),
    target: `≤ ${STEP_LIMIT_MS} ms`,
    floor: shown(bare),
    met: p99 <= STEP_LIMIT_MS,
    detail:
      `n = ${samples.length}, p50 ${shown(quantile(samples, 0.5))}, ` +
      `max ${shown(quantile(samples, 1))}; floor: a batch put into a list and copied, p99`,
  };
}
