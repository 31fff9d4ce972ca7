export type { Address, ServiceNetworks, ServicePort } from "./build/address.ts";
export { buildServiceSpecs, type ServiceBuildInput, serviceId } from "./build/build-services.ts";
export { checkId } from "./build/check-id.ts";
export {
  BuiltinDiscovery,
  type BuiltinDiscoveryDeps,
  type CheckResult,
  type RegistrationSink,
} from "./builtin/builtin-discovery.ts";
export {
  ConsulDiscovery,
  type ConsulDiscoveryDeps,
  type ConsulDiscoveryOptions,
} from "./consul/consul-discovery.ts";
export type { ScriptRunner } from "./consul/script-checks.ts";
export {
  type CatalogListener,
  type CatalogView,
  type CheckObservation,
  type CheckSpec,
  CheckStatus,
  type ServiceDiscovery,
  type ServiceSpec,
} from "./service-discovery.ts";
export { changedServices } from "./view.ts";
