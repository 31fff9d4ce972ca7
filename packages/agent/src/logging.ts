/** The agent's log: structured, one line an event; text on a terminal, JSON on request. */
import type { Log, LogLevel } from "@drover/server";
import { type Logger, pino } from "pino";

export function createLogger(options: { level: string; json: boolean }): Log {
  const logger = options.json ? pino({ level: options.level }) : textLogger(options.level);
  return (level, message, fields) => logger[level](fields ?? {}, message);
}

/** `2026-01-02T03:04:05.678Z [INFO]  message: key=value` on standard error's neighbour, stdout. */
function textLogger(level: string): Logger {
  return pino(
    { level, base: null, timestamp: false },
    {
      write(line: string) {
        const { level: number, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
        const rest = Object.entries(fields)
          .map(
            ([key, value]) =>
              ` ${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
          )
          .join("");
        const name = LEVEL_NAMES[Number(number)] ?? "INFO";
        process.stdout.write(
          `    ${new Date().toISOString()} [${name}]${name.length < 5 ? " " : ""} ${String(msg)}` +
            `${rest === "" ? "" : `:${rest}`}\n`,
        );
      },
    },
  );
}

const LEVEL_NAMES: Readonly<Record<number, string>> = {
  20: "DEBUG",
  30: "INFO",
  40: "WARN",
  50: "ERROR",
};

export const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];
