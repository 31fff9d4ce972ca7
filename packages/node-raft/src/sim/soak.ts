/**
 * A long run of the simulator as one record: a range of seeds in blocks, each of one mode, played
 * by several processes. A block that has been played is a line of a file: a run that was stopped
 * goes on where it was, and says in the end what happened in all of it.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { runSeed, type SimCode, type SimMode, thinness } from "./simulation.ts";

/** What a process plays at once, and what is lost of it when it is stopped. */
export interface Block {
  readonly mode: SimMode;
  readonly first: number;
  readonly seeds: number;
}

export interface BlockRecord extends Block {
  /** Of the code that was run. */
  readonly commit: string;
  readonly events: number;
  /** Injected; messages lost, doubled and late come on top. */
  readonly faults: number;
  readonly acknowledged: number;
  readonly simulatedMs: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly failures: readonly { readonly seed: number; readonly message: string }[];
}

const BLOCK_SEEDS = 20;
/** Blocks in turn: the bare core reaches the rarest interleavings soonest. */
const ROUND: readonly SimMode[] = Object.entries({
  core: 20,
  node: 2,
  upkeep: 1,
  states: 1,
  upgrade: 1,
} satisfies Record<SimMode, number>).flatMap(([mode, blocks]) => {
  return Array<SimMode>(blocks).fill(mode as SimMode);
});

/** The seeds from `first` on, each in one mode. */
export function blocksOf(first: number, seeds: number): Block[] {
  const blocks: Block[] = [];
  for (let at = 0; at < seeds; at += BLOCK_SEEDS) {
    const mode = ROUND[blocks.length % ROUND.length] as SimMode;
    blocks.push({ mode, first: first + at, seeds: Math.min(BLOCK_SEEDS, seeds - at) });
  }
  return blocks;
}

/** Plays each seed once, and the block's first one again: its trace must be the same. */
export async function playBlock(
  block: Block,
  commit: string,
  code?: SimCode,
): Promise<BlockRecord> {
  const options = { mode: block.mode, code };
  const sum = { events: 0, faults: 0, acknowledged: 0, simulatedMs: 0 };
  const counts: Record<string, number> = {};
  const failures: { seed: number; message: string }[] = [];
  for (let seed = block.first; seed < block.first + block.seeds; seed += 1) {
    const result = await runSeed(seed, options);
    sum.events += result.events;
    sum.faults += result.faults.length;
    sum.acknowledged += result.acknowledged;
    sum.simulatedMs += result.simulatedMs;
    for (const [kind, n] of result.counts) counts[kind] = (counts[kind] ?? 0) + n;
    const again = seed === block.first ? await runSeed(seed, options) : result;
    const differs = again.hash === result.hash ? null : "its second run left another trace";
    const message = result.failure?.message ?? thinness(result) ?? differs;
    if (message !== null) failures.push({ seed, message });
  }
  return { ...block, commit, ...sum, counts, failures };
}

/** The file of a run; what was played by another commit is another run. */
export class SoakRecord {
  readonly #file: string;
  readonly #commit: string;
  readonly #records: BlockRecord[] = [];

  constructor(file: string, commit: string) {
    this.#file = file;
    this.#commit = commit;
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    // A last line without an end was being written when the run was stopped.
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    if (whole.length < text.length) writeFileSync(file, whole);
    for (const line of whole.split("\n").filter((each) => each !== "")) {
      const record = JSON.parse(line) as BlockRecord;
      if (record.commit === commit) this.#records.push(record);
    }
  }

  get records(): readonly BlockRecord[] {
    return this.#records;
  }

  add(record: BlockRecord): void {
    this.#records.push(record);
    mkdirSync(dirname(this.#file), { recursive: true });
    appendFileSync(this.#file, `${JSON.stringify(record)}\n`);
  }

  /** Those of `blocks` that have not been played. */
  missing(blocks: readonly Block[]): Block[] {
    const key = ({ mode, first, seeds }: Block): string => `${mode} ${first} ${seeds}`;
    const played = new Set(this.#records.map(key));
    return blocks.filter((block) => !played.has(key(block)));
  }
}

const COLUMNS = ["seeds", "events", "faults", "acknowledged", "failed"] as const;

/** What happened, by mode, and each kind of what is counted. */
export function soakSummary(records: readonly BlockRecord[]): string {
  const modes = [...new Set(records.map(({ mode }) => mode))];
  const of = (mode: SimMode) => records.filter((record) => record.mode === mode);
  const rows = modes.map((mode) =>
    row(
      mode,
      COLUMNS.map((name) => total(of(mode), name)),
    ),
  );
  rows.push(
    row(
      "all",
      COLUMNS.map((name) => total(records, name)),
    ),
  );
  const kinds = [...new Set(records.flatMap(({ counts }) => Object.keys(counts)))].sort();
  const byKind = kinds.map((kind) => {
    return row(
      kind,
      modes.map((mode) => sumOf(of(mode), ({ counts }) => counts[kind] ?? 0)),
    );
  });
  return [row("", COLUMNS), ...rows, "", row("", modes), ...byKind].join("\n");
}

function total(records: readonly BlockRecord[], name: (typeof COLUMNS)[number]): number {
  return sumOf(records, (record) => (name === "failed" ? record.failures.length : record[name]));
}

function sumOf(records: readonly BlockRecord[], of: (record: BlockRecord) => number): number {
  return records.reduce((sum, record) => sum + of(record), 0);
}

function row(head: string, cells: readonly (number | string)[]): string {
  return head.padEnd(28) + cells.map((cell) => String(cell).padStart(14)).join("");
}
