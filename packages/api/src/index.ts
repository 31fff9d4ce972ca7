export type { Capability, Endpoint, Method, Mode, NamespaceSource } from "./endpoint.ts";
export { type EndpointName, endpoints } from "./endpoints/index.ts";
export { ApiError, badRequest, internal, notFound } from "./errors.ts";
export { type MatchResult, matchEndpoint } from "./match.ts";
export { endpointUrl, type QueryValue } from "./url.ts";
