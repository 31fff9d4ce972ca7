/** The smaller parts of a task: lifecycle, logs, artifacts, templates, vault … (spec chapter 1 §1.3). */
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

export const lifecycleSchema = record("Lifecycle", {
  hook: string({ default: "" }),
  sidecar: bool({ default: false }),
});
export type TaskLifecycle = Infer<typeof lifecycleSchema>;

export const logConfigSchema = record("LogConfig", {
  maxFiles: int({ default: 10 }),
  maxFileSizeMb: int({ wire: "MaxFileSizeMB", hcl: "max_file_size", default: 10 }),
  disabled: bool({ default: false, change: "destructive" }),
  enabled: nullable(bool({ requestOnly: true })),
});
export type LogConfig = Infer<typeof logConfigSchema>;

export const dispatchPayloadSchema = record("DispatchPayload", {
  file: string({ default: "" }),
});

export const artifactSchema = record("Artifact", {
  getterSource: string({ hcl: "source", default: "" }),
  getterOptions: map(string(), { hcl: "options" }),
  getterHeaders: map(string(), { hcl: "headers" }),
  getterMode: string({ hcl: "mode", default: "any" }),
  getterInsecure: bool({ hcl: "insecure", default: false }),
  relativeDest: string({ hcl: "destination" }),
  chown: bool({ default: false }),
});
export type Artifact = Infer<typeof artifactSchema>;

export const changeScriptSchema = record("ChangeScript", {
  command: string({ default: "" }),
  args: list(string(), { keepEmpty: true }),
  timeout: duration({ default: 5 * SECOND }),
  failOnError: bool({ default: false }),
  runOnFirstRender: bool({ default: false }),
});

export const waitSchema = record("Wait", {
  min: nullable(duration()),
  max: nullable(duration()),
});

export const templateSchema = record("Template", {
  sourcePath: string({ hcl: "source", default: "" }),
  destPath: string({ hcl: "destination", default: "" }),
  embeddedTmpl: string({ hcl: "data", default: "" }),
  changeMode: string({ default: "restart" }),
  changeSignal: string({ default: "" }),
  changeScript: nullable(object(changeScriptSchema)),
  once: bool({ default: false }),
  splay: duration({ default: 5 * SECOND }),
  perms: string({ default: "0644" }),
  uid: nullable(int()),
  gid: nullable(int()),
  leftDelim: string({ hcl: "left_delimiter", default: "{{" }),
  rightDelim: string({ hcl: "right_delimiter", default: "}}" }),
  envvars: bool({ hcl: "env", default: false }),
  vaultGrace: duration({ default: 0 }),
  wait: nullable(object(waitSchema)),
  errMissingKey: bool({ hcl: "error_on_missing_key", default: false }),
});
export type Template = Infer<typeof templateSchema>;

export const vaultSchema = record("Vault", {
  role: string({ default: "" }),
  policies: list(string()),
  namespace: string({ default: "" }),
  cluster: string({ default: "default" }),
  env: bool({ default: true }),
  disableFile: bool({ default: false }),
  changeMode: string({ default: "restart" }),
  changeSignal: string({ default: "SIGHUP" }),
  allowTokenExpiration: bool({ default: false }),
});

export const consulBlockSchema = record("Consul", {
  namespace: string({ default: "" }),
  cluster: string({ default: "default" }),
  partition: string({ default: "" }),
});

export const secretSchema = record("Secret", {
  name: string({ form: "label" }),
  provider: string({ default: "" }),
  path: string({ default: "" }),
  config: nullable(json()),
  env: map(string()),
});

export const actionSchema = record("Action", {
  name: string({ form: "label" }),
  command: string({ default: "" }),
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

export const csiPluginConfigSchema = record("CSIPluginConfig", {
  id: string({ wire: "ID", default: "" }),
  type: string({ default: "" }),
  mountDir: string({ default: "" }),
  stagePublishBaseDir: string({ default: "" }),
  healthTimeout: duration({ default: 0 }),
});

export const scalingSchema = record("Scaling", {
  id: string({ wire: "ID", hcl: null, default: "" }),
  type: string({ form: "label", default: "horizontal" }),
  target: map(string(), { hcl: null }),
  policy: nullable(json()),
  min: int({ default: 0 }),
  max: int({ default: 0 }),
  enabled: bool({ default: true }),
  createIndex: int({ hcl: null, owner: "server", default: 0 }),
  modifyIndex: int({ hcl: null, owner: "server", default: 0 }),
  namespace: string({ hcl: null, requestOnly: true, default: "" }),
});
export type ScalingPolicy = Infer<typeof scalingSchema>;
