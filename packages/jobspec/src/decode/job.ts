/** The `job` block: the request record, with what stands at its top for all groups and tasks. */
import type { Block, Body } from "@drover/hcl";
import { type JobInput, jobSchema, secretSchema, taskGroupSchema, taskSchema } from "@drover/model";
import type { DecodeContext } from "./context.ts";
import { decodeVault, inheritVault, takeMapArgument, tasksOf } from "./group.ts";
import { RecordDecoder } from "./record.ts";
import { type AnyRecord, type Bag, blankRecord } from "./shape.ts";
import { specialReaders } from "./special.ts";

const EXTRA = {
  attributes: [],
  blocks: [
    { type: "vault", labels: [] },
    { type: "task", labels: ["name"] },
    { type: "secret", labels: ["name"] },
  ],
};

export function decodeJob(block: Block, cx: DecodeContext): JobInput {
  const read = new RecordDecoder(cx, specialReaders());
  const { content, rest } = block.body.partialContent(EXTRA, cx.diagnostics);
  const ofType = (type: string) => content.blocks.filter((each) => each.type === type);
  const vault = decodeVault(ofType("vault"), cx, read);
  const tasks = ofType("task").map((each) => read.block(taskSchema as AnyRecord, each));
  const secrets = ofType("secret").map((each) => read.block(secretSchema as AnyRecord, each));
  const job = decodeFields(rest, cx, read);
  const label = block.labels[0] ?? "";
  job.id ??= label;
  job.name ??= label;
  const groups = [...tasks.map(groupOfTask), ...((job.taskGroups ?? []) as Bag[])];
  job.taskGroups = groups.length === 0 ? null : groups;
  for (const task of groups.flatMap(tasksOf)) {
    inheritVault(task, vault);
    if (secrets.length > 0) {
      task.secrets = [...((task.secrets ?? []) as Bag[]), ...secrets];
    }
  }
  return job as unknown as JobInput;
}

function decodeFields(body: Body, cx: DecodeContext, read: RecordDecoder): Bag {
  const meta = takeMapArgument(body, "meta", cx);
  const job = read.fields(jobSchema as AnyRecord, meta.rest);
  if (meta.map !== undefined) job.meta = meta.map;
  return job;
}

/** A task that stands outside of groups is a group of its own name. */
function groupOfTask(task: Bag): Bag {
  return {
    ...blankRecord(taskGroupSchema as AnyRecord),
    name: task.name,
    tasks: [task],
  };
}
