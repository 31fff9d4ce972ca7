import assert from "node:assert/strict";
import test from "node:test";
import { DroverError, SECOND } from "@drover/base";
import { mockServiceCheck } from "@drover/model/testing";
import { aSpec } from "../testing.ts";
import { checkId } from "./check-id.ts";

test("a task's service is named after allocation, task, service and port", () => {
  assert.equal(aSpec().id, "_drover-task-alloc-1-web-geo-api-http");
});

test("a group's service has the group in its name", () => {
  const spec = aSpec({ taskName: "" });
  assert.equal(spec.id, "_drover-task-alloc-1-group-group-geo-api-http");
  assert.equal(spec.taskName, "");
});

test("placeholders of services and of tasks are filled in", () => {
  const spec = aSpec({
    service: {
      name: `\${JOB}-\${TASKGROUP}-\${TASK}`,
      tags: [`i\${NOMAD_ALLOC_INDEX}`, `\${BASE}`],
      meta: { index: `\${NOMAD_ALLOC_INDEX}` },
      checks: [mockServiceCheck({ path: `/h/\${NOMAD_ALLOC_INDEX}`, header: { X: [`\${TASK}`] } })],
    },
  });
  assert.equal(spec.name, "job-group-web");
  assert.deepEqual(spec.tags, ["i4", "job-group-web"]);
  assert.deepEqual(spec.meta, { index: "4" });
  assert.equal(spec.checks[0]?.definition.path, "/h/4");
  assert.deepEqual(spec.checks[0]?.definition.header, { X: ["web"] });
});

test("a service without a name is called after job, group and task", () => {
  assert.equal(aSpec({ service: { name: "" } }).name, "job-group-web");
  assert.equal(aSpec({ service: { name: "" }, taskName: "" }).name, "job-group");
});

test("a canary shows its own tags and meta, where it has any", () => {
  const service = {
    tags: ["live"],
    canaryTags: ["canary"],
    meta: { a: "1" },
    canaryMeta: { b: "2" },
  };
  assert.deepEqual(aSpec({ service, canary: true }).tags, ["canary"]);
  assert.deepEqual(aSpec({ service, canary: true }).meta, { b: "2" });
  assert.deepEqual(aSpec({ service }).tags, ["live"]);
  const plain = { tags: ["live"], meta: { a: "1" } };
  assert.deepEqual(aSpec({ service: plain, canary: true }).tags, ["live"]);
  assert.deepEqual(aSpec({ service: plain, canary: true }).meta, { a: "1" });
  assert.equal(aSpec({ service, canary: true }).id, aSpec({ service }).id);
});

const driver = { ip: "172.17.0.2", portMap: { http: 80 }, autoAdvertise: false };
const ADDRESSES: [string, Parameters<typeof aSpec>[0], string, number][] = [
  ["auto takes the host's port", {}, "127.0.0.1", 20_000],
  [
    "auto takes the driver's address when the driver wants that",
    { networks: { driver: { ...driver, autoAdvertise: true } } },
    "172.17.0.2",
    80,
  ],
  [
    "driver takes the driver's address",
    { service: { addressMode: "driver" }, networks: { driver } },
    "172.17.0.2",
    80,
  ],
  [
    "driver falls back on the inner port",
    { service: { addressMode: "driver" }, networks: { driver: { ...driver, portMap: {} } } },
    "172.17.0.2",
    8_080,
  ],
  [
    "driver takes a port by number",
    { service: { addressMode: "driver", portLabel: "9000" }, networks: { driver } },
    "172.17.0.2",
    9_000,
  ],
  [
    "alloc takes the allocation's address and the inner port",
    { service: { addressMode: "alloc" }, networks: { allocIp: "10.1.1.1" } },
    "10.1.1.1",
    8_080,
  ],
  ["an address that is written wins", { service: { address: "web.test" } }, "web.test", 20_000],
  ["no port is no port", { service: { portLabel: "" } }, "127.0.0.1", 0],
];
for (const [name, options, address, port] of ADDRESSES) {
  test(`address: ${name}`, () => {
    const spec = aSpec(options);
    assert.equal(spec.address, address);
    assert.equal(spec.port, port);
  });
}

test("a port or network that does not exist is told", () => {
  for (const service of [
    { portLabel: "nope" },
    { addressMode: "driver" },
    { addressMode: "alloc" },
    { addressMode: "other" },
  ]) {
    assert.throws(
      () => aSpec({ service }),
      (error) => error instanceof DroverError && error.code === "service-address",
    );
  }
});

test("a check is asked on the host unless it says otherwise", () => {
  const networks = { driver: { ...driver, autoAdvertise: true } };
  const [plain] = aSpec({ service: { checks: [mockServiceCheck()] }, networks }).checks;
  assert.equal(plain?.address, "127.0.0.1:20000");
  const checks = [mockServiceCheck({ addressMode: "driver", portLabel: "9000" })];
  assert.equal(aSpec({ service: { checks }, networks }).checks[0]?.address, "172.17.0.2:9000");
  const custom = aSpec({ service: { address: "::1", checks: [mockServiceCheck()] } });
  assert.equal(custom.checks[0]?.address, "[::1]:20000");
});

test("a check inherits name, port and update rule from its service", () => {
  const [check] = aSpec({ service: { onUpdate: "ignore", checks: [mockServiceCheck()] } }).checks;
  assert.equal(check?.name, 'service: "geo-api" check');
  assert.equal(check?.definition.onUpdate, "ignore");
  assert.equal(check?.definition.portLabel, "http");
});

test("a script needs no address and knows its task", () => {
  const checks = [mockServiceCheck({ type: "script", command: "/check", portLabel: "nowhere" })];
  const [check] = aSpec({ service: { checks } }).checks;
  assert.equal(check?.address, "");
  assert.equal(check?.taskName, "web");
  const other = aSpec({ service: { taskName: "side", checks }, taskName: "" }).checks[0];
  assert.equal(other?.taskName, "side");
});

test("a check's id depends on the service and every field, not on their order", () => {
  const check = mockServiceCheck();
  const id = checkId("service", check, "consul");
  assert.match(id, /^_drover-check-[0-9a-f]{64}$/);
  const reversed = Object.fromEntries(Object.entries(check).reverse()) as typeof check;
  assert.equal(checkId("service", reversed, "consul"), id);
  assert.notEqual(checkId("other", check, "consul"), id);
  assert.notEqual(checkId("service", { ...check, interval: 2 * SECOND }, "consul"), id);
  assert.notEqual(checkId("service", { ...check, header: { A: ["1"] } }, "consul"), id);
  assert.equal(checkId("service", check, "nomad"), id.replace("_drover-check-", ""));
});
