/** When a periodic job runs: cron expressions and time zones (spec chapter 1 §1.1). */
import type { PeriodicConfig } from "../job/job.ts";
import { Problems, quote } from "./problems.ts";

interface CronField {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names: readonly string[];
}

const MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(" ");
const DAYS = "SUN MON TUE WED THU FRI SAT".split(" ");
const SECONDS: CronField = { name: "second", min: 0, max: 59, names: [] };
const FIELDS: readonly CronField[] = [
  { name: "minute", min: 0, max: 59, names: [] },
  { name: "hour", min: 0, max: 23, names: [] },
  { name: "day-of-month", min: 1, max: 31, names: [] },
  { name: "month", min: 1, max: 12, names: MONTHS },
  { name: "day-of-week", min: 0, max: 7, names: DAYS },
  { name: "year", min: 1970, max: 2099, names: [] },
];
const MACROS = new Set([
  "@yearly",
  "@annually",
  "@monthly",
  "@weekly",
  "@daily",
  "@midnight",
  "@hourly",
]);

export function validatePeriodic(periodic: PeriodicConfig): Problems {
  const problems = new Problems();
  if (!periodic.enabled) return problems;
  const { spec, specs, timeZone, specType } = periodic;
  problems.addIf(spec === "" && specs.length === 0, "Must specify a spec");
  problems.addIf(spec !== "" && specs.length > 0, "Only cron or crons may be used");
  problems.addIf(
    !isTimeZone(timeZone),
    `Invalid time zone ${quote(timeZone)}: unknown time zone ${timeZone}`,
  );
  if (specType !== "cron") return problems;
  for (const expression of spec === "" ? specs : [spec]) {
    const reason = cronProblem(expression);
    problems.addIf(reason !== null, `Invalid cron spec ${quote(expression)}: ${reason}`);
  }
  return problems;
}

function isTimeZone(name: string): boolean {
  if (name === "" || name === "UTC" || name === "Local") return true;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Why an expression is none; null when it is one. Five to seven fields, or a macro. */
export function cronProblem(expression: string): string | null {
  const text = expression.trim();
  if (MACROS.has(text)) return null;
  const parts = text.split(/\s+/);
  if (parts.length < 5) return "missing field(s)";
  const fields = parts.length >= 7 ? [SECONDS, ...FIELDS] : FIELDS;
  for (const [i, part] of parts.slice(0, fields.length).entries()) {
    const field = fields[i] as CronField;
    const bad = part.split(",").find((entry) => !isCronEntry(entry, field));
    if (bad !== undefined) return `syntax error in ${field.name} field: '${bad}'`;
  }
  return null;
}

function isCronEntry(entry: string, field: CronField): boolean {
  if (entry === "*" || entry === "?") return true;
  if (field.name === "day-of-month" && /^(L|LW|\d{1,2}W)$/i.test(entry)) return true;
  if (field.name === "day-of-week" && /^[0-7](L|#[1-5])$/i.test(entry)) return true;
  const match = /^(\*|[A-Za-z0-9]+)(?:-([A-Za-z0-9]+))?(?:\/(\d+))?$/.exec(entry);
  if (match === null) return false;
  const [, from = "", to, step] = match;
  if (step !== undefined && Number(step) === 0) return false;
  if (from === "*") return to === undefined;
  return [from, to ?? from].every((value) => isCronValue(value, field));
}

function isCronValue(value: string, field: CronField): boolean {
  const upper = value.toUpperCase();
  if (field.names.some((name) => upper.startsWith(name))) return true;
  const number = Number(value);
  return /^\d+$/.test(value) && number >= field.min && number <= field.max;
}
