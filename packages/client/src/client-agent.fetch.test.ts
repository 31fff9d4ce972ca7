/** Images that servers hint at (DESIGN §12.3): rules F1 to F4. */
import assert from "node:assert/strict";
import test from "node:test";
import { TaskStartError } from "@drover/drivers";
import type { Job, Task } from "@drover/model";
import { mockJob, mockTask, mockTaskGroup } from "@drover/model/testing";
import { changed, stopped, type Want, want } from "./testing/jobs.ts";
import { inWorld, type World } from "./testing/world.ts";

const TASK = "server";

/** A reference as job files write it. */
function ref(name: string): string {
  return `\${${name}}`;
}

function jobOf(task: Partial<Task>, job: Partial<Job> = {}): Job {
  const group = mockTaskGroup({ name: "web", tasks: [mockTask({ name: TASK, ...task })] });
  return mockJob({ id: "next", version: 1, taskGroups: [group], ...job });
}

function hint(world: World, ...jobs: readonly Job[]): void {
  world.link.hint({ hints: jobs.map((job) => ({ job, taskGroup: "web", tasks: [TASK] })) });
}

function fetching(world: World): string[] {
  return [...world.driver.fetching.keys()];
}

/** The allocation that the hint was for. */
function placed(world: World, job: Job): Want {
  const { alloc } = want(world.nodeId, { job, alloc: { phase: "prepare", taskGroup: "web" } });
  return { alloc: { ...alloc, jobId: job.id, jobVersion: job.version }, job };
}

test("[F1] what is hinted at is fetched once, and then reported as held", () =>
  inWorld(async (world) => {
    const job = jobOf({ config: { image: "app:2" } });
    hint(world, job);
    hint(world, job);
    await world.until("it is fetched", () => fetching(world).length === 1);
    assert.deepEqual(world.driver.calls, ["fetch app:2"]);
    assert.deepEqual(world.agent.node.images, {});
    world.driver.fetching.get("app:2")?.end();
    await world.until("the servers know", () => world.link.nodes.length === 1);
    assert.deepEqual(world.link.nodes.at(-1)?.images, { "app:2": "sha256:1" });
    hint(world, job);
    assert.deepEqual(world.driver.calls, ["fetch app:2"]);
    assert.deepEqual([world.link.batches, world.agent.allocIds], [[], []]);
  }));

test("[F1] the digest that the version means is fetched, wherever its tag has gone", () =>
  inWorld(async (world) => {
    const imageDigests = { "app:2": "sha256:two" };
    hint(world, jobOf({ config: { image: "app:2" } }, { imageDigests }));
    await world.until("it is fetched", () => fetching(world).length === 1);
    assert.deepEqual(world.driver.calls, ["fetch app:2 of sha256:two"]);
  }));

test("[F1] a version that means another image by the same tag has its own fetched", () =>
  inWorld(async (world) => {
    const meant = (digest: string) =>
      jobOf({ config: { image: "app:2" } }, { imageDigests: { "app:2": digest } });
    hint(world, meant("sha256:two"));
    await world.until("it is fetched", () => fetching(world).length === 1);
    world.driver.fetching.get("app:2")?.end();
    await world.until("the servers know", () => world.link.nodes.length === 1);
    hint(world, { ...meant("sha256:one"), version: 2 });
    await world.until("the other is fetched", () => world.driver.calls.length === 2);
    assert.equal(world.driver.calls[1], "fetch app:2 of sha256:one");
  }));

test("[F2] an image is named by what is known without an allocation, or not fetched", () =>
  inWorld(async (world) => {
    const named = {
      image: `${ref("NOMAD_META_team")}/${ref("attr.kernel.name")}-${ref("KIND")}:2`,
    };
    const env = { KIND: `${ref("NOMAD_GROUP_NAME")}-${ref("node.unique.name")}` };
    const meta = { team: "maps" };
    hint(
      world,
      jobOf({ config: { image: `app:${ref("NOMAD_ALLOC_INDEX")}` } }),
      jobOf({ config: { image: `app:${ref("TAG")}` }, env: { TAG: ref("NOMAD_ALLOC_ID") } }),
      jobOf({ driver: "raw_exec", config: { image: "app:3" } }),
      jobOf({ config: {} }),
      jobOf({ config: named, env }, { meta }),
    );
    await world.until("one is fetched", () => fetching(world).length > 0);
    assert.deepEqual(fetching(world), ["maps/linux-web-n1:2"]);
    const [before] = world.driver.calls;
    const place = want(world.nodeId, { job: { meta }, task: { name: TASK, config: named, env } });
    world.push([place]);
    await world.status(place.alloc.id, "running");
    const [request] = [...world.driver.tasks.values()].map((task) => task.request);
    const image = String(request?.config.image).replace(place.alloc.taskGroup, "web");
    assert.equal(before, `fetch ${image}`);
  }));

test("[F2] what a template may still change is not fetched", () =>
  inWorld(async (world) => {
    const [template] = mockTask({
      templates: [{ embeddedTmpl: "TAG=3", destPath: "local/env", envvars: true } as never],
    }).templates;
    assert.ok(template);
    const env = { TAG: "2" };
    const config = { image: `app:${ref("TAG")}` };
    hint(world, jobOf({ config, env, templates: [template] }), jobOf({ config: { image: "b:1" } }));
    await world.until("the other is fetched", () => fetching(world).length > 0);
    assert.deepEqual(fetching(world), ["b:1"]);
  }));

test("[F3] a hint that goes ends the pull, and one that stays does not", () =>
  inWorld(async (world) => {
    const [one, two] = ["app:1", "app:2"].map((image) => jobOf({ config: { image } }));
    assert.ok(one && two);
    hint(world, one, two);
    await world.until("both are fetched", () => fetching(world).length === 2);
    hint(world, two);
    await world.until("one is given up", () => fetching(world).length === 1);
    assert.deepEqual(fetching(world), ["app:2"]);
    world.link.disconnect();
    world.link.connect();
    await world.until("the session is open again", () => world.link.sessions.length === 2);
    assert.deepEqual(fetching(world), ["app:2"]);
    hint(world);
    await world.until("the other is given up", () => fetching(world).length === 0);
    assert.equal(world.driver.calls.length, 2);
  }));

test("[F3] a pull goes on for the allocation that it was for, until that is to stop", () =>
  inWorld(async (world) => {
    world.driver.prepareGate = new Promise(() => undefined);
    const job = jobOf({ config: { image: "app:2" } });
    hint(world, job);
    await world.until("it is fetched", () => fetching(world).length === 1);
    const place = placed(world, job);
    world.push([place]);
    hint(world);
    await world.until("the allocation asks for it", () => world.driver.pulling === 1);
    assert.deepEqual(fetching(world), ["app:2"]);
    world.push([changed(place, { desiredStatus: "stop" })]);
    await world.until("it is given up", () => fetching(world).length === 0);
    world.push([stopped(place)]);
    await world.status(place.alloc.id, "complete");
  }));

test("[F4] what fails is told to nobody, tried again when that may help, and otherwise not", () =>
  inWorld(async (world) => {
    const [bad, slow] = ["app:missing", "app:2"].map((image) => jobOf({ config: { image } }));
    assert.ok(bad && slow);
    hint(world, bad, slow);
    await world.until("both are fetched", () => fetching(world).length === 2);
    const failure = (retryable: boolean) =>
      new TaskStartError("pull-failed", "the registry refuses", { retryable });
    world.driver.fetching.get("app:missing")?.end(failure(false));
    world.driver.fetching.get("app:2")?.end(failure(true));
    await world.until("both have failed", () => fetching(world).length === 0);
    await world.until("one is tried again", () => {
      world.tick(1_000);
      return fetching(world).length === 1;
    });
    world.driver.fetching.get("app:2")?.end();
    await world.until("the servers know", () => world.link.nodes.length === 1);
    assert.deepEqual(world.driver.calls, ["fetch app:missing", "fetch app:2", "fetch app:2"]);
    assert.deepEqual(world.link.nodes.at(-1)?.images, { "app:2": "sha256:1" });
    const told = world.logs.filter((line) => line.includes("registry refuses"));
    assert.equal(told.length, 2);
    assert.ok(
      told.every((line) => line.startsWith("info ")),
      told.join("\n"),
    );
    assert.deepEqual(world.link.batches, []);
  }));

test("[F3] an agent that goes down gives up what it fetches", () =>
  inWorld(async (world) => {
    hint(world, jobOf({ config: { image: "app:2" } }));
    await world.until("it is fetched", () => fetching(world).length === 1);
    await world.agent.stop();
    await world.until("it is given up", () => fetching(world).length === 0);
  }));

test("[F3] an agent that goes down begins no other, although a hint comes meanwhile", () =>
  inWorld(async (world) => {
    const stopped = world.agent.stop();
    hint(world, jobOf({ config: { image: "app:2" } }));
    await stopped;
    assert.deepEqual(world.driver.calls, []);
  }));
