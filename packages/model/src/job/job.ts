/** A job: what a user submits, versioned each time it changes (spec chapter 1 §1.1). */
import {
  bool,
  type Infer,
  type InferInput,
  instantNanos,
  int,
  json,
  list,
  map,
  nullable,
  object,
  record,
  string,
} from "../schema/field.ts";
import { affinitySchema, constraintSchema, spreadSchema } from "./constraint.ts";
import { reschedulePolicySchema } from "./restart.ts";
import { taskGroupSchema } from "./task-group.ts";
import { migrateStrategySchema, updateStrategySchema } from "./update.ts";

export const JobType = {
  service: "service",
  batch: "batch",
  system: "system",
  sysbatch: "sysbatch",
} as const;
export type JobType = (typeof JobType)[keyof typeof JobType];

export const JobStatus = { pending: "pending", running: "running", dead: "dead" } as const;
export type JobStatus = (typeof JobStatus)[keyof typeof JobStatus];

export const periodicSchema = record(
  "Periodic",
  {
    enabled: bool({ default: true }),
    spec: string({ hcl: "cron", default: "" }),
    specs: list(string(), { hcl: "crons", keepEmpty: true }),
    specType: string({ hcl: null, parsed: "cron", default: "cron" }),
    prohibitOverlap: bool({ default: false }),
    timeZone: string({ default: "UTC" }),
  },
  { typeName: "PeriodicConfig" },
);
export type PeriodicConfig = Infer<typeof periodicSchema>;

export const parameterizedSchema = record(
  "ParameterizedJob",
  {
    payload: string({ plain: true, default: "optional" }),
    metaRequired: list(string()),
    metaOptional: list(string()),
  },
  { typeName: "ParameterizedJobConfig" },
);

export const uiLinkSchema = record(
  "Link",
  {
    label: string({ plain: true, default: "" }),
    url: string({ plain: true, requestWire: "URL", default: "" }),
  },
  { typeName: "JobUILink" },
);

export const uiSchema = record(
  "UI",
  {
    description: string({ plain: true, default: "" }),
    links: list(object(uiLinkSchema), { hcl: "link", form: "block", keepEmpty: true }),
  },
  { typeName: "JobUIConfig" },
);

export const versionTagSchema = record(
  "VersionTag",
  {
    name: string({ plain: true, default: "" }),
    description: string({ plain: true, default: "" }),
    taggedTime: instantNanos({ plain: true, default: 0 }),
  },
  { typeName: "JobVersionTag" },
);

export const jobSchema = record("Job", {
  id: string({ wire: "ID", form: "attribute", diff: false }),
  name: string(),
  namespace: string({ default: "default" }),
  region: string({ default: "global" }),
  type: string({ default: JobType.service }),
  priority: int({ default: 50 }),
  allAtOnce: bool({ default: false }),
  datacenters: list(string(), { keepEmpty: true }),
  nodePool: string({ default: "default" }),
  constraints: list(object(constraintSchema), { hcl: "constraint", form: "block" }),
  affinities: list(object(affinitySchema), { hcl: "affinity", form: "block" }),
  spreads: list(object(spreadSchema), { hcl: "spread", form: "block", diff: false }),
  taskGroups: list(object(taskGroupSchema), { hcl: "group", form: "block", keepEmpty: true }),
  update: nullable(object(updateStrategySchema, { diff: false })),
  reschedule: nullable(object(reschedulePolicySchema, { requestOnly: true })),
  migrate: nullable(object(migrateStrategySchema, { requestOnly: true })),
  periodic: nullable(object(periodicSchema)),
  parameterizedJob: nullable(object(parameterizedSchema, { hcl: "parameterized" })),
  multiregion: nullable(json({ form: "block" })),
  /** Base64 of a dispatched job's input. */
  payload: nullable(string({ hcl: null })),
  meta: map(string(), { change: "destructive" }),
  ui: nullable(object(uiSchema, { wire: "UI" })),
  consulNamespace: string({ hcl: null, default: "" }),
  vaultNamespace: string({ hcl: null, default: "" }),
  nomadTokenId: string({ diff: false, wire: "NomadTokenID", hcl: null, default: "" }),
  stop: bool({ hcl: null, default: false }),
  parentId: string({ wire: "ParentID", hcl: null, default: "", owner: "server" }),
  dispatched: bool({ plain: true, hcl: null, default: false, owner: "server" }),
  dispatchIdempotencyToken: string({ hcl: null, default: "", owner: "server" }),
  versionTag: nullable(object(versionTagSchema, { hcl: null })),
  /** Computed by the state machine (spec §1.1.1). */
  status: string({ diff: false, hcl: null, default: "", owner: "server" }),
  statusDescription: string({ diff: false, hcl: null, default: "", owner: "server" }),
  stable: bool({ diff: false, hcl: null, default: false, owner: "deployment" }),
  version: int({ diff: false, hcl: null, default: 0, owner: "server" }),
  submitTime: instantNanos({ diff: false, hcl: null, default: 0, owner: "server" }),
  createIndex: int({ diff: false, hcl: null, default: 0, owner: "server" }),
  modifyIndex: int({ diff: false, hcl: null, default: 0, owner: "server" }),
  jobModifyIndex: int({ diff: false, hcl: null, default: 0, owner: "server" }),
  /**
   * What each image name of this version resolved to, so that a revert starts the same bytes even
   * when the tag has moved (DESIGN §12.7). Keyed by image reference; Drover's own field.
   */
  imageDigests: map(string(), { wire: null, hcl: null, owner: "client", diff: false }),
});
export type Job = Infer<typeof jobSchema>;
export type JobInput = InferInput<typeof jobSchema>;

/** Periodic and parameterized jobs run nothing themselves: each run is a job of its own. */
export function isTemplate(job: Pick<Job, "periodic" | "parameterizedJob">): boolean {
  return job.periodic !== null || job.parameterizedJob !== null;
}

/** What names a job; ids are unique within a namespace. */
export interface JobRef {
  readonly namespace: string;
  readonly id: string;
}
