/**
 * A parsed job with the defaults that clients fill in themselves (`/v1/jobs/parse` with
 * `Canonicalize`): what the servers decide (implied constraints, node pool, times) is left open.
 */
import { canonicalizeJob, encodeInput, type JobInput, jobSchema, jobToWire } from "@drover/model";

type Doc = Record<string, unknown>;

/** Members that are filled where the file says nothing. */
const FILLED: ReadonlySet<string> = new Set([
  "AddressMode",
  "AllAtOnce",
  "AutoPromote",
  "AutoRevert",
  "Canary",
  "Cluster",
  "Cores",
  "Count",
  "CPU",
  "EphemeralDisk",
  "HealthCheck",
  "HealthyDeadline",
  "KillTimeout",
  "LogConfig",
  "MaxParallel",
  "MemoryMB",
  "Migrate",
  "MinHealthyTime",
  "OnUpdate",
  "Priority",
  "ProgressDeadline",
  "Provider",
  "Region",
  "ReschedulePolicy",
  "Resources",
  "RestartPolicy",
  "Stagger",
  "Type",
  "Update",
]);

/** Members of the job itself that a client sets to nothing, not to null. */
const EMPTY: Doc = {
  ConsulNamespace: "",
  CreateIndex: 0,
  JobModifyIndex: 0,
  ModifyIndex: 0,
  NodePool: "",
  NomadTokenID: "",
  ParentID: "",
  Stable: false,
  Status: "",
  StatusDescription: "",
  Stop: false,
  VaultNamespace: "",
  Version: 0,
};

/** The update policy of a job that writes none; durations in nanoseconds (spec §2.2). */
const UPDATE: Doc = {
  AutoPromote: false,
  AutoRevert: false,
  Canary: 0,
  HealthCheck: "checks",
  HealthyDeadline: 300_000_000_000,
  MaxParallel: 1,
  MinHealthyTime: 10_000_000_000,
  ProgressDeadline: 600_000_000_000,
  Stagger: 30_000_000_000,
};

export function canonicalJobDoc(input: JobInput, region: string): Doc {
  const given = encodeInput(jobSchema, input) as Doc;
  const full = jobToWire(canonicalizeJob(input, { region })) as Doc;
  const filled = fill(given, full) as Doc;
  for (const [name, value] of Object.entries(EMPTY)) filled[name] ??= value;
  filled.Namespace ??= "default";
  filled.Name ??= filled.ID;
  // The job's own policy only stands in for those of its groups.
  filled.Migrate = given.Migrate;
  const hasUpdate = filled.Type === "service" || filled.Type === "system";
  if (hasUpdate) filled.Update = { ...UPDATE, ...present(given.Update) };
  return filled;
}

function fill(given: unknown, full: unknown): unknown {
  if (Array.isArray(given)) {
    return Array.isArray(full) ? given.map((item, i) => fill(item, full[i])) : given;
  }
  if (!isDoc(given) || !isDoc(full)) return given;
  const filled: Doc = {};
  for (const [name, value] of Object.entries(given)) {
    const open = value === null || value === "";
    filled[name] = open && FILLED.has(name) ? (full[name] ?? value) : fill(value, full[name]);
    if (name === "LogConfig" && value === null) filled[name] = logConfig(full[name]);
  }
  return filled;
}

/** `Enabled` is the older spelling of `Disabled`: files may have it, what is stored has not. */
function logConfig(full: unknown): Doc | null {
  if (!isDoc(full)) return null;
  const { Disabled, ...rest } = full;
  return { Disabled, Enabled: null, ...rest };
}

function present(doc: unknown): Doc {
  if (!isDoc(doc)) return {};
  return Object.fromEntries(Object.entries(doc).filter(([, value]) => value !== null));
}

function isDoc(value: unknown): value is Doc {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
