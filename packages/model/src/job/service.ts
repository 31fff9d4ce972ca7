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
  limit: int({ plain: true, default: 0 }),
  grace: duration({ default: SECOND }),
  ignoreWarnings: bool({ plain: true, default: false }),
});
export type CheckRestart = Infer<typeof checkRestartSchema>;

export const checkSchema = record(
  "Check",
  {
    name: string({ plain: true, default: "" }),
    type: string({ plain: true, default: "" }),
    command: string({ plain: true, default: "" }),
    args: list(string()),
    path: string({ plain: true, default: "" }),
    protocol: string({ plain: true, default: "" }),
    portLabel: string({ plain: true, hcl: "port", default: "" }),
    expose: bool({ plain: true, default: false }),
    addressMode: string({ plain: true, default: "" }),
    advertise: string({ plain: true, requestOnly: true, default: "" }),
    interval: duration({ plain: true, default: 0 }),
    timeout: duration({ plain: true, default: 0 }),
    initialStatus: string({ plain: true, default: "" }),
    notes: string({ plain: true, default: "" }),
    tlsServerName: string({ plain: true, wire: "TLSServerName", default: "" }),
    tlsSkipVerify: bool({ plain: true, wire: "TLSSkipVerify", default: false }),
    header: map(list(string())),
    method: string({ plain: true, default: "" }),
    body: string({ plain: true, default: "" }),
    checkRestart: nullable(object(checkRestartSchema)),
    grpcService: string({ plain: true, wire: "GRPCService", default: "" }),
    grpcUseTls: bool({ plain: true, wire: "GRPCUseTLS", hcl: "grpc_use_tls", default: false }),
    taskName: string({ plain: true, hcl: "task", default: "" }),
    successBeforePassing: int({ plain: true, default: 0 }),
    failuresBeforeCritical: int({ plain: true, default: 0 }),
    failuresBeforeWarning: int({ plain: true, default: 0 }),
    onUpdate: string({ plain: true, default: "" }),
  },
  { typeName: "ServiceCheck" },
);
export type ServiceCheck = Infer<typeof checkSchema>;

export const weightsSchema = record(
  "Weights",
  {
    passing: int({ plain: true, default: 1 }),
    warning: int({ plain: true, default: 1 }),
  },
  { typeName: "ServiceWeights" },
);

export const serviceSchema = record("Service", {
  name: string({ plain: true, default: "" }),
  taskName: string({ plain: true, hcl: "task", default: "" }),
  portLabel: string({ plain: true, hcl: "port", default: "" }),
  addressMode: string({ plain: true, default: "auto" }),
  address: string({ plain: true, default: "" }),
  enableTagOverride: bool({ plain: true, default: false }),
  tags: list(string()),
  canaryTags: list(string()),
  checks: list(object(checkSchema), { hcl: "check", form: "block" }),
  checkRestart: nullable(object(checkRestartSchema, { requestOnly: true })),
  /** Sidecars and gateways; stored and compared as they are, not run yet. */
  connect: nullable(json()),
  meta: map(string()),
  canaryMeta: map(string()),
  taggedAddresses: map(string()),
  namespace: string({ plain: true, storedOnly: true, hcl: null, default: "" }),
  onUpdate: string({ plain: true, default: "require_healthy" }),
  provider: string({ plain: true, default: "consul" }),
  cluster: string({ plain: true, default: "default" }),
  identity: nullable(object(identitySchema)),
  weights: nullable(object(weightsSchema)),
  kind: string({ plain: true, default: "" }),
});
export type Service = Infer<typeof serviceSchema>;
