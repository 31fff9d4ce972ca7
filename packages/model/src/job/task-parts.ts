/** The smaller parts of a task: lifecycle, logs, artifacts, templates … (spec chapter 1 §1.3). */
import { SECOND } from "@drover/base";
import {
  bool,
  duration,
  type Infer,
  int,
  json,
  list,
  map,
  nullable,
  object,
  record,
  string,
} from "../schema/field.ts";

export const lifecycleSchema = record(
  "Lifecycle",
  {
    hook: string({ plain: true, default: "" }),
    sidecar: bool({ plain: true, default: false }),
  },
  { typeName: "TaskLifecycle" },
);
export type TaskLifecycle = Infer<typeof lifecycleSchema>;

export const logConfigSchema = record("LogConfig", {
  maxFiles: int({ default: 10 }),
  maxFileSizeMb: int({ wire: "MaxFileSizeMB", hcl: "max_file_size", default: 10 }),
  disabled: bool({ default: false, change: "destructive" }),
  enabled: nullable(bool({ requestOnly: true })),
});
export type LogConfig = Infer<typeof logConfigSchema>;

export const dispatchPayloadSchema = record(
  "DispatchPayload",
  {
    file: string({ plain: true, default: "" }),
  },
  { typeName: "DispatchPayloadConfig" },
);

export const artifactSchema = record(
  "Artifact",
  {
    getterSource: string({ hcl: "source", default: "" }),
    getterOptions: map(string(), { hcl: "options" }),
    getterHeaders: map(string(), { hcl: "headers" }),
    getterMode: string({ hcl: "mode", default: "any" }),
    getterInsecure: bool({ hcl: "insecure", default: false }),
    relativeDest: string({ hcl: "destination" }),
    chown: bool({ plain: true, default: false }),
  },
  { typeName: "TaskArtifact" },
);
export type Artifact = Infer<typeof artifactSchema>;

export const changeScriptSchema = record("ChangeScript", {
  command: string({ default: "" }),
  args: list(string(), { parsed: [], keepEmpty: true }),
  timeout: duration({ parsed: 5 * SECOND, default: 5 * SECOND }),
  failOnError: bool({ plain: true, parsed: false, default: false }),
  runOnFirstRender: bool({ plain: true, default: false }),
});

export const waitSchema = record(
  "Wait",
  {
    min: nullable(duration()),
    max: nullable(duration()),
  },
  { typeName: "WaitConfig" },
);

export const templateSchema = record("Template", {
  sourcePath: string({ hcl: "source", default: "" }),
  destPath: string({ hcl: "destination", default: "" }),
  embeddedTmpl: string({ hcl: "data", default: "" }),
  changeMode: string({ parsed: "restart", default: "restart" }),
  changeSignal: string({ default: "" }),
  changeScript: nullable(object(changeScriptSchema)),
  once: bool({ default: false }),
  splay: duration({ parsed: 5 * SECOND, default: 5 * SECOND }),
  perms: string({ parsed: "0644", default: "0644" }),
  uid: nullable(int()),
  gid: nullable(int()),
  leftDelim: string({ hcl: "left_delimiter", default: "{{" }),
  rightDelim: string({ hcl: "right_delimiter", default: "}}" }),
  envvars: bool({ hcl: "env", default: false }),
  vaultGrace: duration({ default: 0 }),
  wait: nullable(object(waitSchema)),
  errMissingKey: bool({ hcl: "error_on_missing_key", parsed: false, default: false }),
});
export type Template = Infer<typeof templateSchema>;

export const vaultSchema = record("Vault", {
  role: string({ plain: true, default: "" }),
  policies: list(string()),
  namespace: string({ default: "" }),
  cluster: string({ plain: true, default: "default" }),
  env: bool({ parsed: true, default: true }),
  disableFile: bool({ parsed: false, default: false }),
  changeMode: string({ parsed: "restart", default: "restart" }),
  changeSignal: string({ default: "SIGHUP" }),
  allowTokenExpiration: bool({ default: false }),
});

export const consulBlockSchema = record("Consul", {
  namespace: string({ plain: true, default: "" }),
  cluster: string({ plain: true, default: "default" }),
  partition: string({ plain: true, default: "" }),
});

export const secretSchema = record("Secret", {
  name: string({ plain: true, form: "label" }),
  provider: string({ plain: true, default: "" }),
  path: string({ plain: true, default: "" }),
  config: nullable(json()),
  env: map(string()),
});

export const actionSchema = record("Action", {
  name: string({ plain: true, form: "label" }),
  command: string({ plain: true, default: "" }),
  args: list(string()),
});

export const volumeMountSchema = record("VolumeMount", {
  volume: string({ default: "" }),
  destination: string({ default: "" }),
  readOnly: bool({ default: false }),
  propagationMode: string({ default: "private" }),
  seLinuxLabel: string({ wire: "SELinuxLabel", hcl: "selinux_label", default: "" }),
});
export type VolumeMount = Infer<typeof volumeMountSchema>;

export const csiPluginConfigSchema = record(
  "CSIPluginConfig",
  {
    id: string({ plain: true, wire: "ID", default: "" }),
    type: string({ plain: true, default: "" }),
    mountDir: string({ plain: true, default: "" }),
    stagePublishBaseDir: string({ plain: true, default: "" }),
    healthTimeout: duration({ plain: true, default: 0 }),
  },
  { typeName: "TaskCSIPluginConfig" },
);

export const scalingSchema = record(
  "Scaling",
  {
    id: string({ plain: true, wire: "ID", hcl: null, default: "" }),
    type: string({ plain: true, form: "label", parsed: "horizontal", default: "horizontal" }),
    target: map(string(), { hcl: null }),
    policy: nullable(json()),
    min: int({ default: 0 }),
    max: int({ default: 0 }),
    enabled: bool({ default: true }),
    createIndex: int({ plain: true, hcl: null, owner: "server", default: 0 }),
    modifyIndex: int({ plain: true, hcl: null, owner: "server", default: 0 }),
    namespace: string({ plain: true, hcl: null, requestOnly: true, default: "" }),
  },
  { typeName: "ScalingPolicy" },
);
export type ScalingPolicy = Infer<typeof scalingSchema>;
