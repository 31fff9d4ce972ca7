/**
 * The load program: a process of its own, so that its clock of requests does not wait for whoever
 * plays the changes. Options come as JSON in the first argument; it says "loaded" when every client
 * knows addresses and has answers, ends at the word "stop", and sends its report.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { LoadClient } from "./client.ts";
import { followService } from "./lagging-view.ts";
import type { LoadOptions } from "./report.ts";
import { Tally } from "./tally.ts";

const TICK_MS = 5;
const DRAIN_MS = 15_000;

const options = JSON.parse(process.argv[2] ?? "") as LoadOptions;
const closing = new AbortController();
const { signal } = closing;
process.once("message", () => closing.abort());
// Whoever started it is gone.
process.once("disconnect", () => process.exit(1));

const tally = new Tally();
const clients = Array.from(
  { length: options.clients },
  (_, i) => new LoadClient({ ...options, isSlowest: i === 0 }, { tally, closing: signal }),
);
const following = followService({ ...options, signal }, (addresses) => {
  for (const client of clients) client.view.learn(addresses);
});
await until(() => clients.every(({ view }) => view.addresses.length > 0));
const stalls = monitorEventLoopDelay({ resolution: TICK_MS });
stalls.enable();
process.send?.("loaded");
await generate();
tally.offered();
await until(() => clients.every(({ inFlight }) => inFlight === 0));
await following;
const lagMaxMs = Math.max(...clients.map(({ view }) => view.lagMaxMs));
const stallMaxMs = stalls.max / 1e6;
process.send?.(tally.report({ lagMaxMs, stallMaxMs }), () => process.exit(0));

/** Requests begin at their times, whether or not earlier ones have been answered. */
async function generate(): Promise<void> {
  const beganAt = performance.now();
  let begun = 0;
  while (!signal.aborted) {
    const due = Math.floor(((performance.now() - beganAt) * options.perSecond) / 1000);
    for (; begun < due; begun++) clients[begun % clients.length]?.begin();
    await delay(TICK_MS);
  }
}

async function until(reached: () => boolean): Promise<void> {
  const deadline = performance.now() + DRAIN_MS;
  while (!reached()) {
    if (performance.now() > deadline) throw new Error("the load neither begins nor ends");
    await delay(TICK_MS);
  }
}
