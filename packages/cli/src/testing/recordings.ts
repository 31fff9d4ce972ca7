/** The recorded commands that this package is tested against (read only where they are present). */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseExact } from "../exact-json.ts";

const REPOSITORY = fileURLToPath(new URL("../../../../", import.meta.url));
const SHARED = process.env.DROVER_SHARED ?? join(REPOSITORY, "..", "shared");
export const CLI_RECORDINGS = join(SHARED, "reference", "cli");
export const JOBSPEC_RECORDINGS = join(SHARED, "reference", "jobspec");
export const haveRecordings = existsSync(CLI_RECORDINGS);

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly query?: string;
  /** Since the command began. */
  readonly t_ms: number;
  readonly request_body?: unknown;
  /** Missing: the command was stopped before it was answered. */
  readonly status?: number;
  readonly response_headers?: Readonly<Record<string, string>>;
  response_body?: unknown;
}

export interface RecordedStep {
  readonly kind: "cli" | "http";
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly pty?: boolean;
  /** Seconds since the scenario began. */
  readonly t: number;
  /** Duration. */
  readonly ms: number;
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly ended_by?: string;
  readonly http: readonly Exchange[];
}

/** The steps of a scenario: numbers to the digit, repeated bodies put back where they belong. */
export function readScenario(name: string): RecordedStep[] {
  const text = readFileSync(join(CLI_RECORDINGS, name, "transcript.json"), "utf8");
  const steps = JSON.parse(text) as RecordedStep[];
  const exact = parseExact(text) as unknown as RecordedStep[];
  for (const [i, step] of steps.entries()) {
    for (const [j, exchange] of step.http.entries()) {
      exchange.response_body = exact[i]?.http[j]?.response_body;
      const same = (exchange.response_body as { $same_as?: { step: number; entry: number } } | null)
        ?.$same_as;
      if (same) exchange.response_body = steps[same.step]?.http[same.entry]?.response_body;
    }
  }
  return steps;
}
