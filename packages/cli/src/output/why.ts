/** Reasons as text: a line for each step of the chain, then what can be done about its root. */
import { quoted } from "@drover/base";
import type { Doc } from "../doc.ts";
import { shortId } from "../format/ids.ts";
import { formatAgo, formatSpan } from "../format/time.ts";

interface Options {
  readonly verbose: boolean;
  readonly now: number;
}

/** The root of the chain in one line; "" = nothing waits. */
export function whyLine(answer: Doc, options: Options): string {
  const root = answer.list("Chain").at(-1);
  return root ? `Why = ${subjectText(root.at("Subject"), options)}: ${root.text("Text")}` : "";
}

export function whyText(answer: Doc, options: Options): string {
  const chain = answer.list("Chain");
  const root = chain.at(-1);
  const kept = keptLines(answer, options);
  if (!root) {
    return [`Nothing waits: ${subjectText(answer.at("Subject"), options)}`, ...kept].join("\n");
  }
  const lines = [whyLine(answer, options), ""];
  chain.forEach((reason, depth) => {
    const indent = "  ".repeat(depth);
    lines.push(`${indent}${subjectText(reason.at("Subject"), options)}`);
    lines.push(`${indent}  ${reason.text("Text")}${whenText(reason, options)}`);
  });
  const waited = root.list("WaitsFor").map((each) => subjectText(each, options));
  const facts = waited.length > 0 ? [`Waits for = ${waited.join(", ")}`] : [];
  facts.push(...evidenceLines(root));
  const hints = new Set([...chain].reverse().map((reason) => reason.text("Hint")));
  hints.delete("");
  for (const hint of hints) facts.push(`Hint      = ${hint}`);
  facts.push(...kept);
  if (facts.length > 0) lines.push("", ...facts);
  const others = otherLines(answer, options);
  if (others.length > 0) lines.push("", "Also waiting", ...others);
  return lines.join("\n");
}

/** Without what the reason's own sentence says already. */
function evidenceLines(reason: Doc): string[] {
  const text = reason.text("Text");
  return reason
    .entries("Evidence")
    .map(([name, value]) => [name, String(value.json)] as const)
    .filter(([, value]) => value !== "" && !(value.includes(" ") && text.includes(value.trim())))
    .map(([name, value]) => `Evidence  = ${name}: ${value.trim()}`);
}

/** What has ended is collected some time. */
function keptLines(answer: Doc, options: Options): string[] {
  const kept = answer.at("Kept");
  const text = kept.text("Text");
  return text === "" ? [] : [`Kept = ${text}${whenText(kept, options)}`];
}

/** What is not part of the chain, each once. */
function otherLines(answer: Doc, options: Options): string[] {
  const keyOf = (reason: Doc) =>
    `${JSON.stringify(reason.at("Subject").json)} ${reason.text("Rule")} ${reason.text("Text")}`;
  const told = new Set(answer.list("Chain").map(keyOf));
  const lines: string[] = [];
  for (const reason of answer.list("Reasons")) {
    const key = keyOf(reason);
    if (told.has(key)) continue;
    told.add(key);
    const subject = subjectText(reason.at("Subject"), options);
    lines.push(`  ${subject}: ${reason.text("Text")}${whenText(reason, options)}`);
  }
  return lines;
}

function whenText(reason: Doc, { now }: Options): string {
  const parts: string[] = [];
  const since = reason.time("Since");
  const wakesAt = reason.time("WakesAt");
  if (since > 0 && since <= now) parts.push(`since ${formatAgo(since, now)}`);
  if (wakesAt > now) parts.push(`${formatSpan(wakesAt - now)} left`);
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}

/** `allocation 1a2b3c4d`, `job "web"`, `check "alive" of 1a2b3c4d`. */
function subjectText(subject: Doc, { verbose }: Options): string {
  const kind = subject.text("Kind");
  const id = subject.text("ID");
  if (kind === "operator") return "a person";
  if (kind === "leader") return "the leader";
  if (kind === "capacity") return "capacity";
  if (kind === "job" || kind === "image") return `${kind} "${id}"`;
  const slash = kind === "group" ? id.lastIndexOf("/") : id.indexOf("/");
  if (slash < 0) return `${kind} ${shortId(id, verbose)}`;
  const owner = id.slice(0, slash);
  const name = `${kind} ${quoted(id.slice(slash + 1))}`;
  return `${name} of ${kind === "group" ? `job "${owner}"` : shortId(owner, verbose)}`;
}
