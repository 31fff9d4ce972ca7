/** Which fields hold blocks that are declared here, not in `@drover/model`. */
import type { AnyRecord } from "../decode/shape.ts";
import { connectRecord } from "./connect.ts";
import { block, many, one, optionalCount, optionalText, text, textMap, texts } from "./fields.ts";

const MAKERS: Readonly<Record<string, () => AnyRecord>> = {
  "Service.connect": connectRecord,
  "Task.schedule": scheduleRecord,
  "Job.multiregion": multiregionRecord,
};

const made = new Map<string, AnyRecord>();

/** Undefined when the block is free-form. */
export function opaqueRecord(record: AnyRecord, key: string): AnyRecord | undefined {
  const place = `${record.name}.${key}`;
  const known = made.get(place);
  if (known !== undefined) return known;
  const fresh = MAKERS[place]?.();
  if (fresh !== undefined) made.set(place, fresh);
  return fresh;
}

function scheduleRecord(): AnyRecord {
  const cron = block("Cron", { start: text(), end: text(), timezone: text() });
  return block("Schedule", { cron: one(cron) });
}

function multiregionRecord(): AnyRecord {
  const strategy = block("Strategy", { maxParallel: optionalCount(), onFailure: optionalText() });
  const region = block("Region", {
    name: text({ form: "label" }),
    count: optionalCount(),
    datacenters: texts(),
    nodePool: text(),
    meta: textMap(),
  });
  return block("Multiregion", {
    strategy: one(strategy),
    regions: many(region, { hcl: "region" }),
  });
}
