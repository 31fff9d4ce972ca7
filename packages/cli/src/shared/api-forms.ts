/**
 * How the field's client library shows the API's documents: `-json` and `-t` know every member of
 * a type, also those that the server leaves out, and none that the library has no name for.
 */
import type { Json, JsonObject } from "@drover/model";
import { isRawNumber } from "../exact-json.ts";

export interface Form {
  /** Type that a template's errors name. */
  readonly type?: string;
  /** Members that are there even when the answer has none. */
  readonly fill?: JsonObject;
  readonly drop?: readonly string[];
  /** Forms of members; of every item where the member is a list. */
  readonly members?: Readonly<Record<string, Form>>;
  /** Form of every value: this is a map. */
  readonly values?: Form;
}

/** Lists item by item; what the form does not speak of stays. */
export function applyForm(value: Json, form: Form): Json {
  if (Array.isArray(value)) return value.map((item) => applyForm(item, form));
  if (typeof value !== "object" || value === null || isRawNumber(value)) return value;
  const out: JsonObject = { ...form.fill };
  for (const [key, item] of Object.entries(value)) {
    if (form.drop?.includes(key)) continue;
    const inner = form.values ?? form.members?.[key];
    out[key] = inner ? applyForm(item, inner) : item;
  }
  return out;
}

/** The order that people look for. */
export function newestFirst(list: Json): Json {
  if (!Array.isArray(list)) return list;
  const indexOf = (item: Json) => {
    const index = (item as JsonObject | null)?.CreateIndex;
    return typeof index === "number" ? index : 0;
  };
  return [...list].sort((a, b) => indexOf(b) - indexOf(a));
}

const PORT: Form = { fill: { IgnoreCollision: false, To: 0, Value: 0 } };
const NETWORK: Form = {
  fill: {
    CIDR: "",
    CNI: null,
    DNS: null,
    Device: "",
    DynamicPorts: null,
    Hostname: "",
    IP: "",
    MBits: null,
    Mode: "",
    ReservedPorts: null,
  },
  members: { DynamicPorts: PORT, ReservedPorts: PORT },
};
const SERVICE: Form = {
  fill: { CheckRestart: null },
  drop: ["Namespace"],
  members: { Checks: { fill: { Advertise: "" } } },
};
const TASK_STATES: Form = {
  values: { drop: ["Paused"], members: { Events: { fill: { DiskSize: 0 } } } },
};

export const JOB: Form = {
  type: "*api.Job",
  fill: { Migrate: null, Reschedule: null },
  members: {
    TaskGroups: {
      members: {
        Networks: NETWORK,
        Services: SERVICE,
        Tasks: {
          drop: ["CSIPluginConfig"],
          members: { LogConfig: { fill: { Enabled: null } }, Services: SERVICE },
        },
      },
    },
  },
};

export const DEPLOYMENT: Form = {
  type: "*api.Deployment",
  drop: ["EvalPriority"],
  members: { TaskGroups: { values: { drop: ["AutoPromote"] } } },
};

export const EVALUATION: Form = {
  type: "*api.Evaluation",
  fill: {
    AnnotatePlan: false,
    BlockedEval: "",
    ClassEligibility: null,
    DeploymentID: "",
    EscapedComputedClass: false,
    FailedTGAllocs: null,
    JobModifyIndex: 0,
    MissingNonNodeResources: null,
    NextEval: "",
    NodeID: "",
    NodeModifyIndex: 0,
    PlanAnnotations: null,
    PreviousEval: "",
    QueuedAllocations: null,
    QuotaLimitReached: "",
    RelatedEvals: null,
    StatusDescription: "",
    Wait: 0,
    WaitUntil: null,
  },
};

export const ALLOC_STUB: Form = {
  type: "*api.AllocationListStub",
  drop: ["DesiredTransition"],
  members: { TaskStates: TASK_STATES },
};

export const ALLOCATION: Form = {
  type: "*api.Allocation",
  fill: {
    DesiredDescription: "",
    DesiredTransition: {
      ForceReschedule: null,
      Migrate: null,
      MigrateDisablePlacement: null,
      NoShutdownDelay: null,
      Reschedule: null,
    },
    FollowupEvalID: "",
    NextAllocation: "",
    PreemptedAllocations: null,
    PreemptedByAllocation: "",
    PreviousAllocation: "",
    RescheduleTracker: null,
    Services: null,
  },
  drop: ["SharedResources", "SigningKeyID"],
  members: {
    AllocatedResources: {
      drop: ["TaskLifecycles"],
      members: {
        Shared: { members: { Networks: NETWORK, Ports: { fill: { To: 0 } } } },
        Tasks: { values: { members: { Cpu: { drop: ["ReservedCores"] } } } },
      },
    },
    Job: JOB,
    Resources: { members: { Networks: NETWORK } },
    TaskStates: TASK_STATES,
  },
};

/** The same form for a list of them. */
export function listOf(form: Form): Form {
  return { ...form, type: `[]${form.type ?? "interface {}"}` };
}

/** An answer without a form of its own. */
export function plain(type: string): Form {
  return { type };
}
