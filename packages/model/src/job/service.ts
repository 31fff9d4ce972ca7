/** Services and their checks (spec chapter 1 §1.5, §1.6). */
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
import { identitySchema } from "./identity.ts";

export const checkRestartSchema = record("CheckRestart", {
  limit: int({ default: 0 }),
  grace: duration({ default: SECOND }),
  ignoreWarnings: bool({ default: false }),
});
export type CheckRestart = Infer<typeof checkRestartSchema>;

export const checkSchema = record("Check", {
  name: string({ default: "" }),
  type: string({ default: "" }),
  command: string({ default: "" }),
  args: list(string()),
  path: string({ default: "" }),
  protocol: string({ default: "" }),
  portLabel: string({ hcl: "port", default: "" }),
  expose: bool({ default: false }),
  addressMode: string({ default: "" }),
  advertise: string({ hcl: null, requestOnly: true, default: "" }),
  interval: duration({ default: 0 }),
  timeout: duration({ default: 0 }),
  initialStatus: string({ default: "" }),
  notes: string({ default: "" }),
  tlsServerName: string({ wire: "TLSServerName", default: "" }),
  tlsSkipVerify: bool({ wire: "TLSSkipVerify", default: false }),
  header: map(list(string())),
  method: string({ default: "" }),
  body: string({ default: "" }),
  checkRestart: nullable(object(checkRestartSchema)),
  grpcService: string({ wire: "GRPCService", default: "" }),
  grpcUseTls: bool({ wire: "GRPCUseTLS", hcl: "grpc_use_tls", default: false }),
  taskName: string({ hcl: "task", default: "" }),
  successBeforePassing: int({ default: 0 }),
  failuresBeforeCritical: int({ default: 0 }),
  failuresBeforeWarning: int({ default: 0 }),
  onUpdate: string({ default: "" }),
});
export type ServiceCheck = Infer<typeof checkSchema>;

export const weightsSchema = record("Weights", {
  passing: int({ default: 1 }),
  warning: int({ default: 1 }),
});

export const serviceSchema = record("Service", {
  name: string({ default: "" }),
  taskName: string({ hcl: "task", default: "" }),
  portLabel: string({ hcl: "port", default: "" }),
  addressMode: string({ default: "auto" }),
  address: string({ default: "" }),
  enableTagOverride: bool({ default: false }),
  tags: list(string()),
  canaryTags: list(string()),
  checks: list(object(checkSchema), { hcl: "check", form: "block" }),
  checkRestart: nullable(object(checkRestartSchema, { requestOnly: true })),
  /** Sidecars and gateways; stored and compared as they are, not run yet. */
  connect: nullable(json()),
  meta: map(string()),
  canaryMeta: map(string()),
  taggedAddresses: map(string()),
  namespace: string({ hcl: null, default: "" }),
  onUpdate: string({ default: "require_healthy" }),
  provider: string({ default: "consul" }),
  cluster: string({ default: "default" }),
  identity: nullable(object(identitySchema)),
  weights: nullable(object(weightsSchema)),
  kind: string({ default: "" }),
});
export type Service = Infer<typeof serviceSchema>;
