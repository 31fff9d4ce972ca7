/**
 * How long after a write an event of it is with its readers: read from the leader, from the
 * other servers, and from an agent outside Raft that forwards the stream.
 */
import { TestCluster } from "../support/cluster.ts";
import { type EventLine, TestEventReader } from "../support/event-reader.ts";
import { waitUntil } from "../support/wait.ts";
import { type Figure, ms } from "./figure.ts";
import { median, quantile, spread } from "./stats.ts";

const LIMIT_MS = 20;
const READERS_EACH = 5;
const WARM_UP = 50;
const SERVERS = 3;

export async function measureEvents(writes: number): Promise<readonly Figure[]> {
  const cluster = await TestCluster.start({ agents: SERVERS + 1, clientsOnly: 1 });
  try {
    return [await measure(cluster, writes)];
  } finally {
    await cluster.stop();
  }
}

async function measure(cluster: TestCluster, writes: number): Promise<Figure> {
  const { api } = await cluster.leader();
  /** Per job: when its write was answered, and when each reader saw its event. */
  const answered = new Map<string, number>();
  const seen = new Map<string, number[]>();
  let opened = 0;
  const readers = cluster.alive.flatMap((agent) =>
    Array.from({ length: READERS_EACH }, () => {
      let first = true;
      const onLine = ({ Events = [] }: EventLine) => {
        if (first) opened += 1;
        first = false;
        for (const { Key } of Events) seen.get(Key)?.push(performance.now());
      };
      return new TestEventReader(agent.api.address, "topic=Job", { onLine });
    }),
  );
  try {
    await waitUntil(
      () => opened,
      (count) => count === readers.length,
      { timeoutMs: 10_000, what: "open streams" },
    );
    const sent = new Map<string, number>();
    for (let at = 0; at < WARM_UP + writes; at++) {
      const id = `event-${at}`;
      seen.set(id, []);
      sent.set(id, performance.now());
      await api.put("/v1/jobs", { Job: emptyJob(id) });
      answered.set(id, performance.now());
      await waitUntil(
        () => seen.get(id)?.length ?? 0,
        (count) => count >= readers.length,
        { timeoutMs: 5_000, everyMs: 2, what: `the event of ${id} at ${readers.length} readers` },
      );
    }
    return figure([...answered.keys()].slice(WARM_UP), { answered, sent, seen });
  } finally {
    for (const reader of readers) reader.close();
  }
}

interface Times {
  readonly sent: ReadonlyMap<string, number>;
  readonly answered: ReadonlyMap<string, number>;
  readonly seen: ReadonlyMap<string, readonly number[]>;
}

/**
 * When an entry is committed is not seen from outside: its first sign, at any reader or as the
 * answer to the write, stands for it. From the request on, the write itself is in the figure.
 */
function figure(ids: readonly string[], { sent, answered, seen }: Times): Figure {
  const at = (times: ReadonlyMap<string, number>, id: string) => times.get(id) ?? Number.NaN;
  const seenOf = (id: string) => seen.get(id) ?? [];
  const write = ids.map((id) => at(answered, id) - at(sent, id));
  const whole = ids.flatMap((id) => seenOf(id).map((time) => time - at(sent, id)));
  const event = ids.flatMap((id) => {
    const committed = Math.min(at(answered, id), ...seenOf(id));
    return seenOf(id).map((time) => time - committed);
  });
  const p99 = quantile(event, 0.99);
  return {
    name: "committed → event at a subscriber, p99",
    measured: ms(p99),
    target: `≤ ${LIMIT_MS} ms`,
    floor: ms(quantile(write, 0.99) - median(write)),
    met: p99 <= LIMIT_MS,
    detail:
      `${READERS_EACH} readers at each of ${SERVERS} servers and at an agent outside Raft; ` +
      `${spread(event)}, p50 ${ms(median(event))}; from the request on p50 ${ms(median(whole))}, ` +
      `p99 ${ms(quantile(whole, 0.99))}, its answer p50 ${ms(median(write))}; ` +
      "floor: by how much the answer of a write varies, p99 above p50",
  };
}

function emptyJob(ID: string): Record<string, unknown> {
  const task = { Name: "t", Driver: "mock_driver", Config: { run_for: "1h" } };
  return { ID, Type: "service", TaskGroups: [{ Name: "g", Count: 0, Tasks: [task] }] };
}
