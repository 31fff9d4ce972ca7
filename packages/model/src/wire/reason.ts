/** Reasons as the API shows them; instants as RFC 3339 text, null = none. */
import {
  type Reason,
  Rule,
  type Subject,
  SubjectKind,
  waitsFor,
  waitsUntil,
} from "../cluster/reason.ts";
import { encodeInstant } from "../schema/encode.ts";
import type { JsonObject } from "../schema/field.ts";

export function subjectToWire({ id, kind, namespace }: Subject): JsonObject {
  return { Kind: kind, ID: id, Namespace: namespace };
}

export function reasonToWire(reason: Reason): JsonObject {
  return {
    Rule: reason.rule,
    Subject: subjectToWire(reason.subject),
    Text: reason.text,
    Since: encodeInstant(reason.since ?? 0),
    WaitsFor: reason.waitsFor.map(subjectToWire),
    WakesAt: encodeInstant(reason.wakesAt ?? 0),
    Evidence: { ...reason.evidence },
    Hint: reason.hint,
  };
}

const RULES: ReadonlySet<unknown> = new Set(Object.values(Rule));
const KINDS: ReadonlySet<unknown> = new Set(Object.values(SubjectKind));

/** What another machine said; null = it is not a reason that this version knows. */
export function reasonFromWire(value: unknown): Reason | null {
  if (typeof value !== "object" || value === null) return null;
  const doc = value as Readonly<Record<string, unknown>>;
  const subject = subjectFromWire(doc.Subject);
  if (!RULES.has(doc.Rule) || subject === null) return null;
  const told = {
    rule: doc.Rule as Rule,
    subject,
    text: String(doc.Text ?? ""),
    since: instantOf(doc.Since),
    evidence: (doc.Evidence ?? {}) as Readonly<Record<string, string>>,
    hint: String(doc.Hint ?? ""),
  };
  const list = Array.isArray(doc.WaitsFor) ? doc.WaitsFor : [];
  const [first, ...others] = list.map(subjectFromWire).filter((each) => each !== null);
  const wakesAt = instantOf(doc.WakesAt);
  if (first) return waitsFor({ ...told, wakesAt }, first, ...others);
  return wakesAt === null ? null : waitsUntil(wakesAt, told);
}

function subjectFromWire(value: unknown): Subject | null {
  if (typeof value !== "object" || value === null) return null;
  const { ID, Kind, Namespace } = value as Readonly<Record<string, unknown>>;
  if (!KINDS.has(Kind) || typeof ID !== "string") return null;
  return { kind: Kind as SubjectKind, id: ID, namespace: String(Namespace ?? "") };
}

function instantOf(value: unknown): number | null {
  const at = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}
