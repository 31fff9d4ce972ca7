/** What the Consul agent is told about one service (spec chapter 5 §5.6). Pure. */
import { type Nanos, nanosToMs, SECOND } from "@drover/base";
import type { CheckSpec, ServiceSpec } from "../service-discovery.ts";

/** Says whose a registration is; several agents may share one Consul agent. */
export const NODE_META = "drover-node";
export const SERVICE_PREFIX = "_drover-task-";
/** A script's result may be this much late before Consul calls it critical by itself. */
const TTL_GRACE: Nanos = 31 * SECOND;

export type ConsulJson =
  | string
  | number
  | boolean
  | readonly ConsulJson[]
  | { readonly [key: string]: ConsulJson };

const NONE: ReadonlySet<string> = new Set();

/** The body of `PUT /v1/agent/service/register`; checks named in `proven` are passing already. */
export function registrationPayload(
  spec: ServiceSpec,
  proven = NONE,
): { readonly [key: string]: ConsulJson } {
  const payload: { [key: string]: ConsulJson } = {
    ID: spec.id,
    Name: spec.name,
    Tags: spec.tags,
    Meta: { ...spec.meta, "external-source": "drover", [NODE_META]: spec.nodeId },
    Address: spec.address,
    Port: spec.port,
    EnableTagOverride: spec.enableTagOverride,
    Checks: spec.checks.map((check) => checkPayload(check, proven.has(check.id))),
  };
  if (spec.weights !== null) {
    payload.Weights = { Passing: spec.weights.passing, Warning: spec.weights.warning };
  }
  return payload;
}

function checkPayload(check: CheckSpec, isProven: boolean): ConsulJson {
  const { definition } = check;
  const payload: { [key: string]: ConsulJson } = { CheckID: check.id, Name: check.name };
  if (definition.notes !== "") payload.Notes = definition.notes;
  if (definition.initialStatus !== "") payload.Status = definition.initialStatus;
  else if (isProven) payload.Status = "passing";
  if (definition.type === "script") {
    return { ...payload, TTL: goDuration(definition.interval + TTL_GRACE) };
  }
  return {
    ...payload,
    ...probe(check),
    Interval: goDuration(definition.interval),
    Timeout: goDuration(definition.timeout),
    ...unlessEmpty({
      TLSServerName: definition.tlsServerName,
      TLSSkipVerify: definition.tlsSkipVerify,
      SuccessBeforePassing: definition.successBeforePassing,
      FailuresBeforeCritical: definition.failuresBeforeCritical,
      FailuresBeforeWarning: definition.failuresBeforeWarning,
    }),
  };
}

/** An older Consul refuses fields it does not know: only those are sent that say something. */
function unlessEmpty(fields: { readonly [key: string]: string | number | boolean }): {
  readonly [key: string]: ConsulJson;
} {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => Boolean(value)));
}

function probe(check: CheckSpec): { readonly [key: string]: ConsulJson } {
  const { definition } = check;
  switch (definition.type) {
    case "http":
      return {
        HTTP: `${definition.protocol || "http"}://${check.address}${definition.path}`,
        Header: definition.header,
        ...unlessEmpty({ Method: definition.method, Body: definition.body }),
      };
    case "grpc": {
      const service = definition.grpcService === "" ? "" : `/${definition.grpcService}`;
      return { GRPC: `${check.address}${service}`, GRPCUseTLS: definition.grpcUseTls };
    }
    default:
      return { TCP: check.address };
  }
}

/** Consul reads Go's durations; milliseconds are exact enough for intervals of a second and up. */
function goDuration(nanos: Nanos): string {
  return `${Math.round(nanosToMs(nanos))}ms`;
}
