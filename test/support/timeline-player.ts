/**
 * Plays recorded timelines (`shared/reference/timeline`) with the recordings' own player, which
 * speaks to any server over HTTP alone, and reads what it prints.
 */
import { execFile, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const SHARED = process.env.DROVER_SHARED ?? join(import.meta.dirname, "../../../shared");
const TIMELINES = join(SHARED, "reference", "timeline");
export const RECORDED = join(TIMELINES, "scenarios");
/** Why timelines cannot be played here; false = they can. */
export const NO_RECORDINGS = existsSync(RECORDED) ? false : `no recordings at ${TIMELINES}`;

/** What a scenario's own file says, as far as it matters here. */
export interface Scenario {
  readonly cluster?: "single" | "multi";
  readonly needs?: readonly string[] | string;
  readonly http?: boolean;
  readonly alone?: boolean;
}

/** A check that did not hold. */
export interface Miss {
  readonly scenario: string;
  readonly path: string;
  /** The expectation, as the player prints it. */
  readonly want: string;
  /** null when there was nothing. */
  readonly got: unknown;
}

export interface Played {
  readonly scenarios: number;
  readonly misses: readonly Miss[];
  readonly output: string;
}

export interface PlayPlan {
  /** `http://HOST:PORT` of the agents that are asked, the first one unless it is away. */
  readonly addresses: readonly string[];
  /** Folders of the scenarios. */
  readonly folders: readonly string[];
  /** So many at once. */
  readonly parallel: number;
  /** Where `cluster-hook.ts` finds those who kill and start agents. */
  readonly hookUrl?: string;
}

export function readScenario(folder: string): Scenario {
  return JSON.parse(readFileSync(join(folder, "scenario.json"), "utf8")) as Scenario;
}

/** What must hold of a recorded scenario, by path. */
export function readExpectation(folder: string): {
  readonly checks: Readonly<Record<string, { readonly is?: unknown }>>;
} {
  return JSON.parse(readFileSync(join(folder, "expect.json"), "utf8"));
}

/** Names of the recorded scenarios that `wanted` accepts. */
export function recordedNames(wanted: (scenario: Scenario) => boolean): readonly string[] {
  if (NO_RECORDINGS) return [];
  return readdirSync(RECORDED).filter((name) => wanted(readScenario(join(RECORDED, name))));
}

export async function play(plan: PlayPlan): Promise<Played> {
  const hook = join(import.meta.dirname, "cluster-hook.ts");
  const child = spawn(
    process.execPath,
    [
      join(TIMELINES, "play.mjs"),
      ...["--check", "--quiet", "--addr", plan.addresses.join(",")],
      ...["--parallel", String(plan.parallel)],
      ...(plan.hookUrl === undefined ? [] : ["--hook", hook]),
      ...plan.folders,
    ],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
        DROVER_HOOK_URL: plan.hookUrl ?? "",
      },
    },
  );
  runAhead(child.pid);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => {
      output += chunk;
    });
  }
  await new Promise((resolve) => child.once("close", resolve));
  return { ...parsePlayed(output), output };
}

/**
 * The player has to see each state before the next one, so it must not wait behind agents, which
 * run ahead of ordinary programs where they may: it does as they do. Where neither may, both wait.
 */
function runAhead(pid: number | undefined): void {
  execFile("chrt", ["--rr", "--all-tasks", "--pid", "1", String(pid)], () => {});
}

/** Reads the player's lines: one per scenario, three per check that did not hold. */
export function parsePlayed(output: string): Omit<Played, "output"> {
  const misses: Miss[] = [];
  let scenario = "";
  let scenarios = 0;
  let path = "";
  let want = "";
  for (const line of output.split("\n")) {
    const head = /^(?:ok {2}|FAIL) ([^ :]+):/.exec(line);
    const error = /^ {5}error: (.*)$/.exec(line);
    const wanted = /^ {7}want (.*)$/.exec(line);
    const got = /^ {7}got {2}(.*)$/.exec(line);
    const name = /^ {5}(\S.*)$/.exec(line);
    if (head) {
      scenario = head[1] as string;
      scenarios += 1;
    } else if (error) {
      misses.push({ scenario, path: "error", want: "no error", got: error[1] });
    } else if (got) {
      const value: unknown = got[1] === "undefined" ? null : JSON.parse(got[1] ?? "");
      misses.push({ scenario, path, want, got: value });
    } else if (wanted) {
      want = wanted[1] as string;
    } else if (name) {
      path = name[1] as string;
    }
  }
  return { scenarios, misses };
}
