/** `connect` of a service: sidecars and gateways. */
import { logConfigSchema, resourcesSchema, volumeMountSchema } from "@drover/model";
import type { AnyRecord } from "../decode/shape.ts";
import {
  block,
  byLabel,
  count,
  counts,
  flag,
  freeForm,
  many,
  one,
  optionalCount,
  optionalDuration,
  text,
  textMap,
  texts,
} from "./fields.ts";

/** Made when it is first asked for: most job files have none. */
export function connectRecord(): AnyRecord {
  return block("Connect", {
    native: flag(),
    gateway: one(gatewayRecord()),
    sidecarService: one(sidecarServiceRecord()),
    sidecarTask: one(sidecarTaskRecord()),
  });
}

function proxyRecord(): AnyRecord {
  const upstream = block("Upstream", {
    destinationName: text(),
    destinationNamespace: text(),
    destinationPeer: text(),
    destinationPartition: text(),
    destinationType: text(),
    localBindPort: count(),
    datacenter: text(),
    localBindAddress: text(),
    localBindSocketPath: text(),
    localBindSocketMode: text(),
    meshGateway: one(block("MeshGateway", { mode: text() })),
    config: freeForm(),
  });
  const exposePath = block("ExposePath", {
    path: text(),
    protocol: text(),
    localPathPort: count(),
    listenerPort: text(),
  });
  const transparentProxy = block("TransparentProxy", {
    uid: text({ wire: "UID" }),
    outboundPort: count(),
    excludeInboundPorts: texts(),
    excludeOutboundPorts: counts(),
    excludeOutboundCidrs: texts({ wire: "ExcludeOutboundCIDRs" }),
    excludeUids: texts({ wire: "ExcludeUIDs" }),
    noDns: flag({ wire: "NoDNS" }),
  });
  return block("Proxy", {
    localServiceAddress: text(),
    localServicePort: count(),
    expose: one(
      block("Expose", {
        paths: many(exposePath, { hcl: "path" }),
        path: many(exposePath, { hcl: null }),
      }),
    ),
    exposeConfig: freeForm({ hcl: null }),
    upstreams: many(upstream),
    transparentProxy: one(transparentProxy),
    config: freeForm(),
  });
}

function sidecarServiceRecord(): AnyRecord {
  return block("SidecarService", {
    tags: texts(),
    port: text(),
    proxy: one(proxyRecord()),
    disableDefaultTcpCheck: flag({ wire: "DisableDefaultTCPCheck" }),
    meta: textMap(),
  });
}

function sidecarTaskRecord(): AnyRecord {
  return block("SidecarTask", {
    name: text(),
    driver: text(),
    user: text(),
    config: freeForm(),
    env: textMap(),
    resources: one(resourcesSchema as AnyRecord),
    meta: textMap(),
    killTimeout: optionalDuration(),
    logConfig: one(logConfigSchema as AnyRecord, { hcl: "logs" }),
    shutdownDelay: optionalDuration(),
    killSignal: text(),
    volumeMounts: many(volumeMountSchema as AnyRecord, { hcl: "volume_mount" }),
    identities: many(block("Identity", {}), { hcl: null }),
  });
}

function tlsRecord(): AnyRecord {
  const sds = block("SDS", { clusterName: text(), certResource: text() });
  return block("TLS", {
    enabled: flag(),
    tlsMinVersion: text({ wire: "TLSMinVersion" }),
    tlsMaxVersion: text({ wire: "TLSMaxVersion" }),
    cipherSuites: texts(),
    sds: one(sds, { wire: "SDS" }),
  });
}

function ingressRecord(): AnyRecord {
  const headers = block("Headers", { add: textMap(), set: textMap(), remove: texts() });
  const service = block("IngressService", {
    name: text(),
    hosts: texts(),
    tls: one(tlsRecord(), { wire: "TLS" }),
    requestHeaders: one(headers),
    responseHeaders: one(headers),
    maxConnections: optionalCount(),
    maxPendingRequests: optionalCount(),
    maxConcurrentRequests: optionalCount(),
  });
  const listener = block("Listener", {
    port: count(),
    protocol: text(),
    services: many(service, { hcl: "service" }),
  });
  return block("Ingress", {
    tls: one(tlsRecord(), { wire: "TLS" }),
    listeners: many(listener, { hcl: "listener" }),
  });
}

function gatewayRecord(): AnyRecord {
  const address = block("BindAddress", {
    name: text({ form: "label" }),
    address: text(),
    port: count(),
  });
  const proxy = block("GatewayProxy", {
    connectTimeout: optionalDuration(),
    envoyGatewayBindTaggedAddresses: flag(),
    envoyGatewayBindAddresses: byLabel(address),
    envoyGatewayNoDefaultBind: flag(),
    envoyDnsDiscoveryType: text({ wire: "EnvoyDNSDiscoveryType" }),
    config: freeForm(),
  });
  const linked = block("LinkedService", {
    name: text(),
    caFile: text({ wire: "CAFile" }),
    certFile: text(),
    keyFile: text(),
    sni: text({ wire: "SNI" }),
  });
  return block("Gateway", {
    proxy: one(proxy),
    ingress: one(ingressRecord()),
    terminating: one(block("Terminating", { services: many(linked, { hcl: "service" }) })),
    mesh: one(block("Mesh", {})),
  });
}
