import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { SECOND } from "@drover/base";
import { TaskStartError } from "@drover/drivers";
import { mockId, mockTask } from "@drover/model/testing";
import { changed, httpCheck, service, stopped, want } from "./testing/jobs.ts";
import { inWorld, type World } from "./testing/world.ts";

/** A reference as job files write it. */
function ref(name: string): string {
  return `\${${name}}`;
}

function events(world: World, id: string, task = "server"): string[] {
  return (world.report(id)?.taskStates[task]?.events ?? []).map((e) => e.type);
}

test("[T7] an allocation is started, reported healthy, and stopped in the documented order", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    const { id } = place.alloc;
    world.push([place], { complete: true });
    await world.status(id, "running");
    await world.until("its service is registered", () => world.discovery.services.size === 1);
    assert.equal(world.report(id)?.healthy, null);
    world.clock.advance(10_000);
    await world.until("it is healthy", () => world.report(id)?.healthy === true);
    world.push([stopped(place)]);
    await world.status(id, "complete");
    assert.deepEqual(world.discovery.log, ["register api", "deregister api"]);
    await world.until("its task is removed", () => world.driver.tasks.size === 0);
    const calls = ["prepare server", "start server", "stop server", "destroy server"];
    assert.deepEqual(world.driver.calls, calls);
    assert.equal(world.report(id)?.healthy, true);
    assert.deepEqual(events(world, id), [
      "Received",
      "Task Setup",
      "Started",
      "Killing",
      "Terminated",
      "Killed",
    ]);
  }));

for (const [seconds, ms, why] of [
  [3, 3_000, "as its job says"],
  [90, 30_000, "no longer than the agent allows"],
] as const) {
  test(`a task is stopped by its own signal and gets time, ${why}`, () =>
    inWorld(async (world) => {
      const task = { killTimeout: seconds * SECOND, killSignal: "SIGUSR1" };
      const place = want(world.nodeId, { task });
      world.push([place]);
      await world.status(place.alloc.id, "running");
      world.push([stopped(place)]);
      await world.status(place.alloc.id, "complete");
      assert.deepEqual(world.driver.stops, [{ killSignal: "SIGUSR1", timeoutMs: ms }]);
    }));
}

test("a task sees where it runs, and configuration is filled in", () =>
  inWorld(async (world) => {
    const config = {
      run_for: `${ref("NOMAD_ALLOC_INDEX")}s`,
      image: `a:${ref("attr.kernel.name")}`,
    };
    const env = { PORT: ref("NOMAD_PORT_http"), NODE: ref("node.unique.name"), X: ref("nothing") };
    const place = want(world.nodeId, { task: { config, env } });
    world.push([place]);
    await world.status(place.alloc.id, "running");
    const request = [...world.driver.tasks.values()][0]?.request;
    assert.deepEqual(request?.config, { run_for: "0s", image: "a:linux" });
    const seen = request?.env ?? {};
    assert.equal(seen.PORT, "20001");
    assert.equal(seen.NODE, "n1");
    assert.equal(seen.X, ref("nothing"));
    assert.equal(seen.NOMAD_ADDR_http, "127.0.0.1:20001");
    assert.equal(seen.NOMAD_ALLOC_ID, place.alloc.id);
    assert.ok(existsSync(join(request?.taskDir ?? "", "local")));
    assert.equal(world.report(place.alloc.id)?.imageDigests["a:linux"], "sha256:1");
  }));

test("[T7] a service is out of the catalog before the task is signalled, and consumers get time", () =>
  inWorld(
    async (world) => {
      const place = want(world.nodeId, { task: { shutdownDelay: 0 } });
      world.push([place]);
      await world.status(place.alloc.id, "running");
      world.push([stopped(place)]);
      await world.until("it is out of the catalog", () => world.discovery.services.size === 0);
      await world.until("it waits", () => {
        const { server } = world.agent.runner(place.alloc.id)?.record.tasks ?? {};
        return server?.phase.kind === "delaying";
      });
      world.clock.advance(1_999);
      assert.ok(!world.driver.calls.includes("stop server"), "too early");
      world.clock.advance(1);
      await world.status(place.alloc.id, "complete");
    },
    { consumerGraceMs: 2_000 },
  ));

test("[T7] what was not serving gets no grace", () =>
  inWorld(
    async (world) => {
      world.discovery.defaultStatus = "critical";
      const place = want(world.nodeId);
      world.push([place]);
      await world.status(place.alloc.id, "running");
      world.push([stopped(place)]);
      await world.status(place.alloc.id, "complete");
    },
    { consumerGraceMs: 2_000 },
  ));

test("a catalog that does not confirm is said in the task's history", () =>
  inWorld(async (world) => {
    world.discovery.confirms = false;
    const place = want(world.nodeId);
    world.push([place]);
    await world.status(place.alloc.id, "running");
    world.push([stopped(place)]);
    await world.status(place.alloc.id, "complete");
    assert.ok(events(world, place.alloc.id).includes("Deregister Unconfirmed"));
  }));

test("[H4] nothing is decided about an allocation that is known to stop", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    const { id } = place.alloc;
    world.push([place]);
    await world.status(id, "running");
    world.push([stopped(place)]);
    await world.status(id, "complete");
    world.clock.advance(600_000);
    assert.equal(world.report(id)?.healthy, null);
  }));

test("critical checks past the deadline make it unhealthy, with the reason", () =>
  inWorld(async (world) => {
    world.discovery.defaultStatus = "critical";
    const place = want(world.nodeId);
    const { id } = place.alloc;
    world.push([place]);
    await world.status(id, "running");
    world.clock.advance(300_000);
    await world.until("it is unhealthy", () => world.report(id)?.healthy === false);
    const last = world.report(id)?.taskStates.server?.events.at(-1);
    assert.equal(last?.type, "Alloc Unhealthy");
    assert.equal(last?.displayMessage, "Services not healthy by deadline: api");
    assert.equal(world.report(id)?.clientStatus, "running");
  }));

test("[A3] make before break: prepare pulls and reports, go starts", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId, {
      alloc: { phase: "prepare" },
      task: { config: { image: "a:1" } },
    });
    const { id } = place.alloc;
    world.push([place]);
    await world.until("it is prepared", () => world.report(id)?.prepared === true);
    assert.equal(world.report(id)?.clientStatus, "pending");
    assert.deepEqual(world.driver.calls, ["prepare server"]);
    assert.equal(world.discovery.services.size, 0);
    await world.until("the node reports the image", () => {
      return world.link.nodes.at(-1)?.images["a:1"] === "sha256:1";
    });
    world.push([changed(place, { phase: "go" })]);
    await world.status(id, "running");
  }));

test("an image that does not exist fails the allocation at once, without a restart", () =>
  inWorld(async (world) => {
    const text = "manifest for a:9 not found";
    world.driver.prepareError = new TaskStartError("no-image", text, { retryable: false });
    for (const phase of ["prepare", ""]) {
      const place = want(world.nodeId, { alloc: { phase, id: mockId(`phase ${phase}`) } });
      const { id } = place.alloc;
      world.push([place]);
      await world.status(id, "failed");
      const report = world.report(id);
      assert.equal(report?.unretryableError, text, phase);
      assert.equal(report?.healthy, false, phase);
      assert.equal(report?.prepared, false, phase);
      assert.equal(report?.taskStates.server?.restarts, 0, phase);
      assert.equal(report?.clientDescription, "Failed tasks", phase);
    }
    assert.ok(!world.driver.calls.includes("start server"));
  }));

test("a registry that is down is tried again while preparing", () =>
  inWorld(async (world) => {
    world.driver.prepareError = new TaskStartError("pull", "timeout", { retryable: true });
    const place = want(world.nodeId, { alloc: { phase: "prepare" } });
    const { id } = place.alloc;
    world.push([place]);
    await world.until("the failure is told", () => {
      world.tick(100);
      return events(world, id).includes("Driver Failure");
    });
    assert.equal(world.report(id)?.clientStatus, "pending");
    world.driver.prepareError = null;
    await world.until("it is prepared", () => {
      world.tick(1_000);
      return world.report(id)?.prepared === true;
    });
  }));

test("an image that does not come in time makes the allocation unhealthy, and it goes on trying", () =>
  inWorld(async (world) => {
    world.driver.prepareError = new TaskStartError("pull", "timeout", { retryable: true });
    const place = want(world.nodeId, { alloc: { phase: "prepare" } });
    const { id } = place.alloc;
    world.push([place]);
    await world.until("it is unhealthy", () => {
      world.tick(60_000);
      return world.report(id)?.healthy === false;
    });
    assert.equal(world.report(id)?.clientStatus, "pending");
    const lines = world.report(id)?.taskStates.server?.events.map((e) => e.displayMessage) ?? [];
    assert.ok(lines.includes("Task not running by healthy_deadline of 5m0s"), String(lines));
    world.driver.prepareError = null;
    await world.until("it is prepared", () => {
      world.tick(30_000);
      return world.report(id)?.prepared === true;
    });
  }));

test("a pull that is not needed any more is aborted", () =>
  inWorld(async (world) => {
    world.driver.prepareGate = new Promise(() => undefined);
    const place = want(world.nodeId, { alloc: { phase: "prepare" } });
    world.push([place]);
    await world.until("it pulls", () => world.driver.pulling === 1);
    world.push([stopped(place)]);
    await world.status(place.alloc.id, "complete");
    await world.until("it pulls no more", () => world.driver.pulling === 0);
  }));

test("[A3] stopping a prepared allocation starts nothing", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId, { alloc: { phase: "prepare" } });
    world.push([place]);
    await world.until("prepared", () => world.report(place.alloc.id)?.prepared === true);
    world.push([stopped(place)]);
    await world.status(place.alloc.id, "complete");
    assert.deepEqual(world.driver.calls, ["prepare server", "destroy server"]);
  }));

test("a kill during the pull aborts it", () =>
  inWorld(async (world) => {
    world.driver.prepareGate = new Promise(() => undefined);
    const place = want(world.nodeId);
    world.push([place]);
    await world.until("it pulls", () => world.driver.calls.includes("prepare server"));
    world.push([stopped(place)]);
    await world.status(place.alloc.id, "complete");
    assert.ok(!world.driver.calls.includes("start server"));
  }));

test("[A4] a start waits for the local holder of its port", () =>
  inWorld(async (world) => {
    const old = want(world.nodeId, { alloc: { id: mockId("old") } });
    const next = want(world.nodeId, { alloc: { id: mockId("new") } });
    world.push([old]);
    await world.status(old.alloc.id, "running");
    world.driver.ignoresStop = true;
    world.push([stopped(old), next]);
    await world.until("the old one is signalled", () => world.driver.calls.includes("stop server"));
    assert.equal(world.agent.runner(next.alloc.id)?.record.stage.kind, "waiting");
    assert.equal(world.driver.running().length, 1);
    world.driver.finish(`${old.alloc.id}/server`, 0);
    await world.status(next.alloc.id, "running");
    assert.deepEqual(world.driver.running(), [`${next.alloc.id}/server`]);
  }));

test("[A4] one that was stopped while it waited for a port does not keep it", () =>
  inWorld(async (world) => {
    const [a, b, c] = ["a", "b", "c"].map((name) => {
      return want(world.nodeId, { alloc: { id: mockId(name) } });
    });
    assert.ok(a && b && c);
    world.push([a]);
    await world.status(a.alloc.id, "running");
    world.push([b]);
    await world.until("it waits", () => {
      return world.agent.runner(b.alloc.id)?.record.stage.kind === "waiting";
    });
    world.push([stopped(b)]);
    await world.status(b.alloc.id, "complete");
    world.push([stopped(a), c]);
    await world.status(c.alloc.id, "running");
  }));

test("a task that exits is restarted, out of the catalog meanwhile", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    const { id } = place.alloc;
    world.push([place]);
    await world.status(id, "running");
    world.driver.finish(`${id}/server`, 3);
    await world.until("it waits", () => world.report(id)?.taskStates.server?.restarts === 1);
    await world.until("it is out of the catalog", () => world.discovery.services.size === 0);
    world.clock.advance(20_000);
    await world.until("it runs again", () => world.driver.running().length === 1);
    await world.until("it is back in the catalog", () => world.discovery.services.size === 1);
    assert.deepEqual(events(world, id).slice(2, 5), ["Started", "Terminated", "Restarting"]);
  }));

test("[A2 H5] used-up restarts fail the allocation and take its sibling along", () =>
  inWorld(async (world) => {
    const none = { attempts: 0, interval: SECOND, delay: 0, mode: "fail", renderTemplates: false };
    const tasks = [mockTask({ name: "server", restartPolicy: none }), mockTask({ name: "other" })];
    const place = want(world.nodeId, { group: { tasks } });
    const { id } = place.alloc;
    world.push([place]);
    await world.until("both run", () => world.driver.running().length === 2);
    world.driver.finish(`${id}/server`, 1);
    await world.status(id, "failed");
    await world.until("the sibling is dead", () => world.driver.tasks.size === 0);
    assert.equal(world.report(id)?.healthy, false);
    assert.ok(events(world, id, "other").includes("Sibling Task Failed"));
    assert.equal(world.report(id)?.taskStates.other?.failed, false);
  }));

test("[H2] an update in place keeps the process, changes tags, and health is proven again", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    const { id } = place.alloc;
    world.push([place]);
    await world.status(id, "running");
    world.clock.advance(10_000);
    await world.until("it is healthy", () => world.report(id)?.healthy === true);
    const v2 = want(world.nodeId, { task: { services: [service({ tags: ["v2"] })] } });
    world.push([changed(place, { deploymentId: "d2", deploymentStatus: null }, v2.job)]);
    await world.until("undecided again", () => world.report(id)?.healthy === null);
    await world.until("the tags changed", () => {
      return [...world.discovery.services.values()][0]?.tags[0] === "v2";
    });
    world.clock.advance(10_000);
    await world.until("it is healthy again", () => world.report(id)?.healthy === true);
    assert.equal(world.driver.created, 1);
  }));

test("a promoted canary is registered again with its normal tags", () =>
  inWorld(async (world) => {
    const status = { healthy: null, timestamp: 0, canary: true, modifyIndex: 0 };
    const place = want(world.nodeId, { alloc: { deploymentStatus: status } });
    world.push([place]);
    const tag = () => [...world.discovery.services.values()][0]?.tags[0];
    await world.until("canary tags", () => tag() === "canary");
    world.push([changed(place, { deploymentStatus: { ...status, canary: false } })]);
    await world.until("normal tags", () => tag() === "v1");
    assert.equal(world.driver.created, 1);
  }));

const CHECK_RESTART = { limit: 3, grace: 5 * SECOND, ignoreWarnings: false };

test("[T6] a check that stays bad after its grace restarts the task, counted by the policy", () =>
  inWorld(async (world) => {
    world.discovery.defaultStatus = "critical";
    const checks = [httpCheck({ interval: SECOND, checkRestart: CHECK_RESTART })];
    const place = want(world.nodeId, { task: { services: [service({ checks })] } });
    const { id } = place.alloc;
    world.push([place]);
    await world.status(id, "running");
    await world.until("it is registered", () => world.discovery.services.size === 1);
    world.clock.advance(6_999);
    assert.ok(!world.driver.calls.includes("stop server"), "two intervals after the grace");
    world.clock.advance(1);
    await world.until("it is restarted", () => world.report(id)?.taskStates.server?.restarts === 1);
    const lines = world.report(id)?.taskStates.server?.events.map((e) => e.displayMessage) ?? [];
    assert.ok(lines.includes('healthcheck: check "alive" unhealthy'), String(lines));
    assert.equal(world.agent.runner(id)?.record.tasks.server?.window.count, 1);
  }));

test("a check that recovers in time restarts nothing", () =>
  inWorld(async (world) => {
    const checks = [httpCheck({ interval: SECOND, checkRestart: CHECK_RESTART })];
    const place = want(world.nodeId, { task: { services: [service({ checks })] } });
    world.push([place]);
    await world.status(place.alloc.id, "running");
    world.clock.advance(10_000);
    await world.until("it is healthy", () => world.report(place.alloc.id)?.healthy === true);
    world.discovery.set({ status: "critical" });
    world.clock.advance(1_999);
    world.discovery.set({ status: "passing" });
    world.discovery.set({ status: "critical" });
    world.clock.advance(1_999);
    assert.ok(!world.driver.calls.includes("stop server"));
    world.clock.advance(1);
    await world.until("now it is", () => world.driver.calls.includes("stop server"));
  }));

test("[A1] a poststop task runs after the others and keeps the allocation running", () =>
  inWorld(async (world) => {
    const tasks = [
      mockTask({ name: "server" }),
      mockTask({ name: "bye", lifecycle: { hook: "poststop", sidecar: false } }),
    ];
    const place = want(world.nodeId, { group: { tasks } });
    const { id } = place.alloc;
    world.push([place]);
    await world.status(id, "running");
    world.push([stopped(place)]);
    await world.until("bye runs", () => world.driver.running().includes(`${id}/bye`));
    const statuses = world.link.batches.flat().map((r) => r.clientStatus);
    assert.deepEqual([...new Set(statuses)], ["running"], "never back to pending");
    world.driver.finish(`${id}/bye`, 0);
    await world.status(id, "complete");
  }));

test("an allocation that has started does not look pending between its prestart and main tasks", () =>
  inWorld(async (world) => {
    const tasks = [
      mockTask({ name: "init", lifecycle: { hook: "prestart", sidecar: false } }),
      mockTask({ name: "server" }),
    ];
    const place = want(world.nodeId, { group: { tasks }, job: { type: "service" } });
    const { id } = place.alloc;
    world.push([place]);
    await world.until("init runs", () => world.driver.running().includes(`${id}/init`));
    await world.status(id, "running");
    world.driver.finish(`${id}/init`, 0);
    await world.until("the server runs", () => world.driver.running().includes(`${id}/server`));
    world.clock.advance(1_000);
    await world.until("it is told", () => {
      return world.report(id)?.taskStates.server?.state === "running";
    });
    const statuses = world.link.batches.flat().map((report) => report.clientStatus);
    assert.deepEqual([...new Set(statuses)], ["running"]);
  }));

test("a user restarts one task, and the statistics and signals reach it", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    const { id } = place.alloc;
    world.push([place]);
    await world.status(id, "running");
    await world.agent.signal(id, { task: "", signal: "SIGHUP" });
    assert.ok(world.driver.calls.includes("signal server SIGHUP"));
    assert.deepEqual((await world.agent.allocStats(id)).tasks, { server: null });
    await world.agent.restart(id, { task: "server", allTasks: false });
    assert.equal(world.driver.created, 2, "the answer comes when it runs again");
    const server = world.agent.runner(id)?.record.tasks.server;
    assert.deepEqual([server?.phase.kind, server?.window.count], ["running", 0]);
    await assert.rejects(world.agent.restart(id, { task: "x", allTasks: false }), {
      message: 'unknown task name "x"',
    });
    await assert.rejects(async () => world.agent.allocStats("nope"), { code: "unknown-alloc" });
  }));

test("a service with a port that does not exist is refused by name", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId, { task: { services: [service({ portLabel: "nope" })] } });
    world.push([place]);
    await world.status(place.alloc.id, "failed");
    assert.match(world.report(place.alloc.id)?.unretryableError ?? "", /port "nope"/);
  }));

test("an artifact is a clear setup failure", () =>
  inWorld(async (world) => {
    const artifact = {
      getterSource: "https://example.test/a",
      getterOptions: {},
      getterHeaders: {},
      getterMode: "any",
      getterInsecure: false,
      relativeDest: "local",
      chown: false,
    };
    const place = want(world.nodeId, { task: { artifacts: [artifact] } });
    world.push([place]);
    await world.status(place.alloc.id, "failed");
    assert.ok(events(world, place.alloc.id).includes("Setup Failure"));
  }));
