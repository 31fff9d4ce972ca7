/**
 * Quiet about what passes; says what failed, where and why; and keeps the counts for the closing
 * line. `DROVER_TEST_COUNTS` names the file that takes them.
 */
import { appendFileSync } from "node:fs";
import { relative } from "node:path";
import { inspect } from "node:util";
import { ROOT } from "./files.ts";

interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly name?: string;
    readonly file?: string;
    readonly line?: number;
    readonly message?: string;
    readonly skip?: string | boolean;
    readonly details?: {
      readonly type?: string;
      readonly duration_ms?: number;
      readonly error?: unknown;
    };
    readonly counts?: Record<string, number>;
  };
}

async function* reporter(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of source) {
    if (type === "test:fail") {
      if (!isOnlyParent(data.details?.error)) yield failureText(data);
    } else if (type === "test:pass" && data.skip !== undefined && data.skip !== false) {
      const why = typeof data.skip === "string" ? data.skip : "no reason given";
      yield `  skipped: ${data.name}: ${why}\n`;
    } else if (type === "test:stderr" || type === "test:stdout") {
      yield data.message ?? "";
    } else if (type === "test:summary" && data.file === undefined) {
      const file = process.env.DROVER_TEST_COUNTS;
      if (file !== undefined) appendFileSync(file, `${JSON.stringify(data.counts)}\n`);
    }
  }
}

function failureText({ name, file, line, details }: TestEvent["data"]): string {
  const where = file === undefined ? "" : ` (${relative(ROOT, file)}:${line ?? 1})`;
  const error = details?.error;
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const text = cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause);
  return `  FAILED: ${name}${where}\n${text.replace(/^/gm, "    ")}\n`;
}

/** A file or a test that failed only because something inside it did says nothing new. */
function isOnlyParent(error: unknown): boolean {
  const { failureType } = (error ?? {}) as { failureType?: string };
  return failureType === "subtestsFailed";
}

export { reporter as default };
