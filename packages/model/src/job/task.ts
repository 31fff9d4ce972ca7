/** One task of a group: a driver, what it runs, and how (spec chapter 1 §1.3). */
import { SECOND } from "@drover/base";
import {
  bool,
  duration,
  type Infer,
  type InferInput,
  json,
  list,
  map,
  nullable,
  object,
  record,
  string,
} from "../schema/field.ts";
import { affinitySchema, constraintSchema } from "./constraint.ts";
import { identitySchema } from "./identity.ts";
import { resourcesSchema } from "./resources.ts";
import { restartPolicySchema } from "./restart.ts";
import { serviceSchema } from "./service.ts";
import {
  actionSchema,
  artifactSchema,
  consulBlockSchema,
  csiPluginConfigSchema,
  dispatchPayloadSchema,
  lifecycleSchema,
  logConfigSchema,
  scalingSchema,
  secretSchema,
  templateSchema,
  vaultSchema,
  volumeMountSchema,
} from "./task-parts.ts";

export const taskSchema = record("Task", {
  name: string({ plain: true, form: "label" }),
  driver: string({ plain: true, default: "", change: "destructive" }),
  user: string({ plain: true, default: "", change: "destructive" }),
  lifecycle: nullable(object(lifecycleSchema)),
  /** The driver's own settings; each driver validates its part when it starts the task. */
  config: nullable(json({ form: "block", change: "destructive" })),
  constraints: list(object(constraintSchema), { hcl: "constraint", form: "block" }),
  affinities: list(object(affinitySchema), { hcl: "affinity", form: "block" }),
  env: map(string(), { change: "destructive" }),
  services: list(object(serviceSchema), { hcl: "service", form: "block" }),
  resources: object(resourcesSchema),
  restartPolicy: object(restartPolicySchema, { hcl: "restart" }),
  meta: map(string(), { change: "destructive" }),
  killTimeout: duration({ default: 5 * SECOND }),
  logConfig: object(logConfigSchema, { hcl: "logs" }),
  artifacts: list(object(artifactSchema), {
    hcl: "artifact",
    form: "block",
    change: "destructive",
  }),
  vault: nullable(object(vaultSchema, { change: "destructive" })),
  consul: nullable(object(consulBlockSchema, { change: "destructive" })),
  templates: list(object(templateSchema), {
    hcl: "template",
    form: "block",
    change: "destructive",
  }),
  dispatchPayload: nullable(object(dispatchPayloadSchema)),
  volumeMounts: list(object(volumeMountSchema), {
    hcl: "volume_mount",
    form: "block",
    change: "destructive",
  }),
  csiPluginConfig: nullable(
    object(csiPluginConfigSchema, {
      wire: "CSIPluginConfig",
      hcl: "csi_plugin",
      requestOmit: true,
      change: "destructive",
    }),
  ),
  leader: bool({ plain: true, default: false }),
  shutdownDelay: duration({ plain: true, default: 0 }),
  killSignal: string({ plain: true, default: "" }),
  kind: string({ plain: true, default: "" }),
  scalingPolicies: list(object(scalingSchema), { hcl: "scaling", form: "block" }),
  identity: nullable(object(identitySchema, { change: "destructive" })),
  identities: list(object(identitySchema), { hcl: null, change: "destructive" }),
  actions: list(object(actionSchema), { hcl: "action", form: "block" }),
  schedule: nullable(json({ form: "block" })),
  secrets: list(object(secretSchema), { hcl: "secret", form: "block", change: "destructive" }),
});
export type Task = Infer<typeof taskSchema>;
export type TaskInput = InferInput<typeof taskSchema>;
