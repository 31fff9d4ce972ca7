import assert from "node:assert/strict";
import test from "node:test";
import type { ServiceSpec } from "@drover/discovery";
import { FakeClock, FakeDiscovery } from "../testing/fakes.ts";
import { ServiceRegistrar } from "./service-registrar.ts";

const SPEC: ServiceSpec = {
  id: "_drover-task-a-web-http",
  name: "web",
  namespace: "default",
  allocId: "a",
  jobId: "j",
  nodeId: "n",
  datacenter: "dc1",
  taskName: "server",
  groupName: "g",
  tags: [],
  meta: {},
  address: "127.0.0.1",
  port: 8080,
  enableTagOverride: false,
  weights: null,
  checks: [],
  onUpdate: "",
};

function gate(): { readonly promise: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}

test("what is taken back before its turn to be registered stays out of the catalog", async () => {
  const discovery = new FakeDiscovery();
  const log = () => undefined;
  const registrar = new ServiceRegistrar({ ackTimeoutMs: 5_000 }, { log, clock: new FakeClock() });
  const plan = { discovery, spec: SPEC };
  registrar.sync([plan]);
  await registrar.gone("");
  // The catalog is slow to show that it left; meanwhile it comes back, and leaves again.
  const first = gate();
  const second = gate();
  discovery.confirmGate = first.promise;
  registrar.sync([]);
  registrar.sync([{ ...plan }]);
  discovery.confirmGate = second.promise;
  registrar.sync([]);
  first.open();
  await new Promise((resolve) => setImmediate(resolve));
  second.open();
  await registrar.gone("");
  assert.deepEqual([...discovery.services.keys()], []);
  assert.deepEqual(registrar.ids, []);
});
