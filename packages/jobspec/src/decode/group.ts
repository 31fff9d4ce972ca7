/** Tasks and groups: what they hand down to each other while they are read. */
import { type Block, type Body, type BodySchema, formatRange, type Range } from "@drover/hcl";
import {
  identitySchema,
  scalingSchema,
  secretSchema,
  taskGroupSchema,
  taskSchema,
  vaultSchema,
} from "@drover/model";
import { type DecodeContext, report } from "./context.ts";
import type { RecordDecoder } from "./record.ts";
import { decodeAttribute } from "./scalar.ts";
import type { AnyRecord, Bag } from "./shape.ts";

function blocksOnly(...types: [type: string, ...labels: string[]][]): BodySchema {
  return { attributes: [], blocks: types.map(([type, ...labels]) => ({ type, labels })) };
}

/** `meta = {…}`: a map written as an argument, which may have quoted and computed keys. */
export function takeMapArgument(
  body: Body,
  name: "meta" | "env",
  cx: DecodeContext,
): { map: unknown; rest: Body } {
  const schema = { attributes: [{ name }], blocks: [] };
  const { content, rest } = body.partialContent(schema, []);
  const attribute = content.attributes.get(name);
  if (attribute === undefined) return { map: undefined, rest: body };
  const [other] = rest.partialContent(blocksOnly([name]), []).content.blocks;
  if (other !== undefined) {
    report(
      cx,
      other.headerRange,
      `Duplicate ${name} block`,
      `${name} may not be defined more than once. Another definition is defined at ${formatRange(attribute.range)}.`,
    );
  }
  const field = (taskSchema as AnyRecord).fields.meta;
  return { map: field === undefined ? null : decodeAttribute(attribute, field, cx), rest };
}

export function decodeTask(body: Body, cx: DecodeContext, read: RecordDecoder): Bag {
  const schema = blocksOnly(["scaling", "name"], ["identity"]);
  const { content, rest } = body.partialContent(schema, cx.diagnostics);
  const policies = decodeTaskScaling(ofType(content.blocks, "scaling"), cx, read);
  const meta = takeMapArgument(rest, "meta", cx);
  const env = takeMapArgument(meta.rest, "env", cx);
  const task = read.fields(taskSchema as AnyRecord, env.rest);
  if (policies.length > 0) task.scalingPolicies = policies;
  if (meta.map !== undefined) task.meta = meta.map;
  if (env.map !== undefined) task.env = env.map;
  const identities = ofType(content.blocks, "identity").map((block) => {
    return read.block(identitySchema as AnyRecord, block);
  });
  placeIdentities(task, identities);
  return task;
}

function ofType(blocks: readonly Block[], type: string): Block[] {
  return blocks.filter((block) => block.type === type);
}

/** The identity without a name, or named "default", is the task's own. */
function placeIdentities(task: Bag, identities: Bag[]): void {
  const own = identities.findIndex(({ name }) => (name ?? "") === "" || name === "default");
  if (own !== -1) task.identity = identities.splice(own, 1)[0] ?? null;
  if (own !== -1 || identities.length > 0) task.identities = identities;
}

const TASK_SCALING: Readonly<Record<string, string>> = { cpu: "vertical_cpu", mem: "vertical_mem" };

function decodeTaskScaling(
  blocks: readonly Block[],
  cx: DecodeContext,
  read: RecordDecoder,
): Bag[] {
  const seen = new Map<string, Block>();
  const policies: Bag[] = [];
  for (const block of blocks) {
    const label = (block.labels[0] ?? "").toLowerCase();
    const wanted = TASK_SCALING[label];
    if (wanted === undefined) {
      const detail = 'scaling policy name must be "cpu" or "mem"';
      const where = block.labelRanges[0] ?? block.headerRange;
      report(cx, where, "Invalid scaling policy name", detail);
      continue;
    }
    const previous = seen.get(label);
    if (previous !== undefined) {
      const detail = `Only one scaling ${label} block is allowed. Another was defined at ${formatRange(previous.headerRange)}.`;
      report(cx, block.headerRange, `Duplicate scaling "${label}" block`, detail);
      continue;
    }
    seen.set(label, block);
    const { policy, type } = decodeScaling(block.body, cx, read);
    // The two types are named the wrong way round, as users know the message.
    if (type !== null && type.text !== wanted) {
      const detail = `Invalid policy type, expected "${type.text}" but found "${wanted}"`;
      report(cx, block.headerRange, "Invalid scaling policy type", detail);
      continue;
    }
    policy.type = wanted;
    policies.push(policy);
  }
  return policies;
}

/** A scaling policy, and the type that was written, which is checked by the caller. */
function decodeScaling(
  body: Body,
  cx: DecodeContext,
  read: RecordDecoder,
): { policy: Bag; type: { text: string; range: Range } | null } {
  const schema = { attributes: [{ name: "type" }], blocks: [] };
  const { content, rest } = body.partialContent(schema, cx.diagnostics);
  const attribute = content.attributes.get("type");
  const policy = read.fields(scalingSchema as AnyRecord, rest);
  const field = (scalingSchema as AnyRecord).fields.type;
  if (attribute === undefined || field === undefined) return { policy, type: null };
  const text = decodeAttribute(attribute, field, cx);
  if (typeof text !== "string") return { policy, type: null };
  return { policy, type: { text, range: attribute.expression.range } };
}

export function decodeGroup(body: Body, cx: DecodeContext, read: RecordDecoder): Bag {
  const schema = blocksOnly(["vault"], ["secret", "name"], ["scaling"]);
  const { content, rest } = body.partialContent(schema, cx.diagnostics);
  const vault = decodeVault(ofType(content.blocks, "vault"), cx, read);
  const secrets = ofType(content.blocks, "secret").map((block) => {
    return read.block(secretSchema as AnyRecord, block);
  });
  const meta = takeMapArgument(rest, "meta", cx);
  const group = read.fields(taskGroupSchema as AnyRecord, meta.rest);
  if (meta.map !== undefined) group.meta = meta.map;
  const scaling = decodeGroupScaling(ofType(content.blocks, "scaling"), cx, read);
  if (scaling !== null) group.scaling = scaling;
  for (const task of tasksOf(group)) {
    inheritVault(task, vault);
    if (secrets.length > 0) inheritGroupSecrets(task, secrets);
  }
  return group;
}

export function tasksOf(group: Bag): Bag[] {
  return (group.tasks ?? []) as Bag[];
}

export function inheritVault(task: Bag, vault: Bag | null): void {
  if (vault !== null) task.vault ??= vault;
}

/**
 * A task with secrets of its own gets them twice and none of the group's. Users' files have been
 * read this way for long, so it is kept (spec chapter 1 §1.16).
 */
function inheritGroupSecrets(task: Bag, secrets: readonly Bag[]): void {
  const own = (task.secrets ?? []) as Bag[];
  task.secrets = own.length === 0 ? [...secrets] : [...own, ...own];
}

export function decodeVault(
  blocks: readonly Block[],
  cx: DecodeContext,
  read: RecordDecoder,
): Bag | null {
  const [first, second] = blocks;
  if (first === undefined) return null;
  if (second !== undefined) {
    const detail = `Only one block of type "vault" is allowed. Previous definition was at ${formatRange(first.headerRange)}.`;
    report(cx, second.headerRange, "Duplicate vault block", detail);
  }
  return read.block(vaultSchema as AnyRecord, first);
}

function decodeGroupScaling(
  blocks: readonly Block[],
  cx: DecodeContext,
  read: RecordDecoder,
): Bag | null {
  const [first, second] = blocks;
  if (first === undefined) return null;
  if (second !== undefined) {
    const detail = `Only one scaling block is allowed. Another was defined at ${formatRange(first.headerRange)}.`;
    report(cx, second.headerRange, "Duplicate scaling block", detail);
  }
  const { policy, type } = decodeScaling(first.body, cx, read);
  if (type !== null && type.text !== "horizontal") {
    const detail = `task group scaling policy had invalid type: "${type.text}"`;
    report(cx, type.range, "Invalid group scaling type", detail);
  }
  return policy;
}
