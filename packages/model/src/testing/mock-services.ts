/** Services and their checks for tests, as the other factories make them. */
import { SECOND } from "@drover/base";
import type { Service, ServiceCheck } from "../job/service.ts";

export function mockServiceCheck(overrides: Partial<ServiceCheck> = {}): ServiceCheck {
  return {
    name: "",
    type: "http",
    command: "",
    args: [],
    path: "/health",
    protocol: "",
    portLabel: "",
    expose: false,
    addressMode: "",
    advertise: "",
    interval: SECOND,
    timeout: SECOND,
    initialStatus: "",
    notes: "",
    tlsServerName: "",
    tlsSkipVerify: false,
    header: {},
    method: "",
    body: "",
    checkRestart: null,
    grpcService: "",
    grpcUseTls: false,
    taskName: "",
    successBeforePassing: 0,
    failuresBeforeCritical: 0,
    failuresBeforeWarning: 0,
    onUpdate: "",
    ...overrides,
  };
}

/** On the port `http`, registered in Consul, without checks. */
export function mockService(overrides: Partial<Service> = {}): Service {
  return {
    name: "api",
    taskName: "",
    portLabel: "http",
    addressMode: "auto",
    address: "",
    enableTagOverride: false,
    tags: [],
    canaryTags: [],
    checks: [],
    checkRestart: null,
    connect: null,
    meta: {},
    canaryMeta: {},
    taggedAddresses: {},
    namespace: "",
    onUpdate: "require_healthy",
    provider: "consul",
    cluster: "default",
    identity: null,
    weights: null,
    kind: "",
    ...overrides,
  };
}
