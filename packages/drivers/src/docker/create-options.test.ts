import assert from "node:assert/strict";
import test from "node:test";
import type { Json } from "@drover/model";
import { startRequest } from "../compliance.ts";
import { TaskStartError, type TaskStartRequest } from "../task-driver.ts";
import { parseDockerConfig } from "./config.ts";
import { createOptions } from "./create-options.ts";

const identity = {
  clusterId: "cluster-1",
  nodeId: "n",
  allocId: "a",
  taskName: "web",
  namespace: "default",
  jobId: "j",
  groupName: "g",
};
const context = { imageRef: "web:1", cpuMhzPerCore: 2_000 };

function options(config: Record<string, Json>, more: Partial<TaskStartRequest> = {}) {
  const request = { ...startRequest("/r", identity, { image: "web:1", ...config }), ...more };
  return createOptions(request, parseDockerConfig(request.config), context);
}

const ports = [
  { label: "http", value: 23_456, to: 80, hostIp: "10.0.0.1" },
  { label: "raw", value: 23_457, to: 0, hostIp: "10.0.0.1" },
];

test("ports named in the configuration are published for both protocols", () => {
  const made = options({ ports: ["http", "raw"] }, { ports });
  assert.deepEqual(made.HostConfig?.PortBindings, {
    "80/tcp": [{ HostIp: "10.0.0.1", HostPort: "23456" }],
    "80/udp": [{ HostIp: "10.0.0.1", HostPort: "23456" }],
    "23457/tcp": [{ HostIp: "10.0.0.1", HostPort: "23457" }],
    "23457/udp": [{ HostIp: "10.0.0.1", HostPort: "23457" }],
  });
  assert.deepEqual(
    Object.keys(made.ExposedPorts ?? {}),
    Object.keys(made.HostConfig?.PortBindings),
  );
});

test("on the host's network nothing is published", () => {
  const made = options({ ports: ["http"], network_mode: "host" }, { ports });
  assert.deepEqual(made.HostConfig?.PortBindings, {});
  assert.equal(made.HostConfig?.NetworkMode, "host");
});

test("a group in bridge mode publishes all of its ports", () => {
  const made = options({}, { ports, networkMode: "bridge" });
  assert.equal(Object.keys(made.HostConfig?.PortBindings).length, 4);
});

test("the older port_map block publishes too", () => {
  const made = options({ port_map: [{ http: 8080 }] }, { ports });
  assert.deepEqual(Object.keys(made.HostConfig?.PortBindings), ["8080/tcp", "8080/udp"]);
});

test("a port label that nobody declared is an error of the job", () => {
  assert.throws(
    () => options({ ports: ["https"] }, { ports }),
    (error) => error instanceof TaskStartError && !error.retryable && /"https"/.test(error.message),
  );
});

test("command, args and entrypoint replace the image's only when given", () => {
  assert.equal(options({}).Cmd, undefined);
  assert.equal(options({}).Entrypoint, undefined);
  const made = options({ command: "serve", args: ["-p", 80], entrypoint: ["/init"] });
  assert.deepEqual(made.Cmd, ["serve", "-p", "80"]);
  assert.deepEqual(made.Entrypoint, ["/init"]);
  assert.deepEqual(options({ args: ["only"] }).Cmd, ["only"]);
});

test("the user's labels cannot take the place of ours", () => {
  const made = options({ labels: { team: "geo", "io.drover.alloc": "stolen" } });
  assert.equal(made.Labels?.team, "geo");
  assert.equal(made.Labels?.["io.drover.alloc"], "a");
});

test("the whole environment of the task is that of the container", () => {
  const made = options({}, { env: { NOMAD_PORT_http: "23456", EMPTY: "", EQUALS: "a=b" } });
  for (const line of ["NOMAD_PORT_http=23456", "EMPTY=", "EQUALS=a=b"]) {
    assert.ok(made.Env?.includes(line), line);
  }
});

test("directories of the task are where the environment says", () => {
  const made = options({ volumes: ["conf:/etc/conf", "/srv:/srv:ro", "./x:/x"] });
  assert.deepEqual(made.HostConfig?.Binds, [
    "/r/alloc:/alloc",
    "/r/web/local:/local",
    "/r/web/secrets:/secrets",
    "conf:/etc/conf",
    "/srv:/srv:ro",
    "/r/web/x:/x",
  ]);
  assert.ok(made.Env?.includes("NOMAD_TASK_DIR=/local"));
});

test("a hard CPU limit is the share of the cores that was asked for", () => {
  const made = options({ cpu_hard_limit: true }, { cpuShares: 500 });
  assert.equal(made.HostConfig?.CpuPeriod, 100_000);
  assert.equal(made.HostConfig?.CpuQuota, 25_000);
  assert.equal(options({}).HostConfig?.CpuQuota, undefined);
});

test("mounts, devices and tmpfs are read from blocks", () => {
  const made = options({
    mount: [{ type: "tmpfs", target: "/t", tmpfs_options: [{ size: 1024 }] }],
    devices: [{ host_path: "/dev/null" }],
    tmpfs: ["/run:size=1m", "/plain"],
  });
  assert.equal(made.HostConfig?.Mounts?.[0]?.TmpfsOptions?.SizeBytes, 1024);
  assert.deepEqual(made.HostConfig?.Devices?.[0], {
    PathOnHost: "/dev/null",
    PathInContainer: "/dev/null",
    CgroupPermissions: "rwm",
  });
  assert.deepEqual(made.HostConfig?.Tmpfs, { "/run": "size=1m", "/plain": "" });
});

test("what is wrong in a configuration is named", () => {
  const cases: [Record<string, Json>, RegExp][] = [
    [{ image: "" }, /missing required field: image/],
    [{ imagee: "x" }, /unknown field: imagee/],
    [{ privileged: "perhaps" }, /privileged must be true or false/],
    [{ args: "one" }, /args must be a list of strings/],
    [{ shm_size: "big" }, /shm_size must be a whole number/],
    [{ image_pull_timeout: "soon" }, /image_pull_timeout must be a duration/],
    [{ mount: [{ type: "nfs", target: "/x" }] }, /mount\.type/],
    [{ ulimit: { nofile: "many" } }, /ulimit\.nofile/],
    [{ logging: { kind: "x" } }, /unknown field: kind/],
    [{ image: "two words" }, /no image reference/],
  ];
  for (const [config, expected] of cases) {
    assert.throws(
      () => options(config),
      (error) =>
        error instanceof TaskStartError && !error.retryable && expected.test(error.message),
      JSON.stringify(config),
    );
  }
});
