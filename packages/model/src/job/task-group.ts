/** A set of tasks that are placed together on one node, `count` times (spec chapter 1 §1.2). */
import {
  bool,
  duration,
  type Infer,
  type InferInput,
  int,
  list,
  map,
  nullable,
  object,
  record,
  string,
} from "../schema/field.ts";
import { affinitySchema, constraintSchema, spreadSchema } from "./constraint.ts";
import { networkSchema } from "./network.ts";
import { disconnectSchema, reschedulePolicySchema, restartPolicySchema } from "./restart.ts";
import { serviceSchema } from "./service.ts";
import { taskSchema } from "./task.ts";
import { consulBlockSchema, scalingSchema } from "./task-parts.ts";
import { migrateStrategySchema, updateStrategySchema } from "./update.ts";

export const ephemeralDiskSchema = record("EphemeralDisk", {
  sticky: bool({ default: false }),
  migrate: bool({ default: false }),
  sizeMb: int({ wire: "SizeMB", hcl: "size", default: 300 }),
});
export type EphemeralDisk = Infer<typeof ephemeralDiskSchema>;

export const volumeRequestSchema = record(
  "Volume",
  {
    name: string({ plain: true, form: "label" }),
    type: string({ plain: true, default: "" }),
    source: string({ plain: true, default: "" }),
    readOnly: bool({ plain: true, default: false }),
    sticky: bool({ plain: true, default: false }),
    accessMode: string({ plain: true, default: "" }),
    attachmentMode: string({ plain: true, default: "" }),
    mountOptions: nullable(
      object(
        record(
          "MountOptions",
          {
            fsType: string({ plain: true, wire: "FSType", default: "" }),
            mountFlags: list(string()),
          },
          { typeName: "CSIMountOptions" },
        ),
      ),
    ),
    perAlloc: bool({ plain: true, default: false }),
  },
  { typeName: "VolumeRequest" },
);
export type VolumeRequest = Infer<typeof volumeRequestSchema>;

export const taskGroupSchema = record("TaskGroup", {
  name: string({ plain: true, form: "label" }),
  count: int(),
  update: nullable(object(updateStrategySchema)),
  migrate: nullable(object(migrateStrategySchema)),
  constraints: list(object(constraintSchema), { hcl: "constraint", form: "block" }),
  affinities: list(object(affinitySchema), { hcl: "affinity", form: "block" }),
  spreads: list(object(spreadSchema), { hcl: "spread", form: "block", diff: false }),
  restartPolicy: object(restartPolicySchema, { hcl: "restart" }),
  reschedulePolicy: nullable(object(reschedulePolicySchema, { hcl: "reschedule" })),
  disconnect: nullable(object(disconnectSchema)),
  tasks: list(object(taskSchema), { hcl: "task", form: "block" }),
  ephemeralDisk: object(ephemeralDiskSchema, { change: "destructive" }),
  meta: map(string(), { change: "destructive" }),
  networks: list(object(networkSchema), { hcl: "network", form: "block", change: "destructive" }),
  services: list(object(serviceSchema), { hcl: "service", form: "block" }),
  volumes: map(object(volumeRequestSchema), {
    hcl: "volume",
    form: "block",
    change: "destructive",
  }),
  shutdownDelay: nullable(duration()),
  maxRunDuration: nullable(duration()),
  scaling: nullable(object(scalingSchema)),
  consul: nullable(object(consulBlockSchema)),
  /** Legacy: accepted in requests, without effect (spec chapter 1 §1.2). */
  stopAfterClientDisconnect: nullable(duration({ diff: false })),
  maxClientDisconnect: nullable(duration({ diff: false })),
  preventRescheduleOnLost: bool({ default: false }),
});
export type TaskGroup = Infer<typeof taskGroupSchema>;
export type TaskGroupInput = InferInput<typeof taskGroupSchema>;
