import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import Docker from "dockerode";
import { startRequest, testDriver } from "../compliance.ts";
import { TaskStartError, type TaskStartRequest } from "../task-driver.ts";
import { DockerDriver } from "./docker-driver.ts";

const SHELL_IMAGE = "busybox:local";
const SERVER_IMAGE = "geo-api-server:0.1";
const CRASHING_IMAGE = "geo-api-server:crash";

/** Why the tests on a real engine cannot run; "" when they can. */
async function missing(): Promise<string> {
  const driver = new DockerDriver();
  const { healthy, healthDescription } = await driver.fingerprint();
  if (!healthy) return `${healthDescription} (set DOCKER_HOST)`;
  const docker = new Docker();
  for (const image of [SHELL_IMAGE, SERVER_IMAGE, CRASHING_IMAGE]) {
    const found = await docker.listImages({ filters: { reference: [image] } });
    if (found.length === 0) return `image ${image} is not there`;
  }
  return "";
}

const REGISTRY = process.env.DROVER_TEST_REGISTRY ?? "127.0.0.1:5000";
const registryUp = (await statusOf(`http://${REGISTRY}/v2/`)) === 200;
const reason = await missing();
if (reason !== "") console.log(`docker driver: tests on a real engine skipped: ${reason}`);
else defineTests();

function shell(script: string) {
  return { image: SHELL_IMAGE, command: "/bin/sh", args: ["-c", script], network_mode: "none" };
}

function defineTests(): void {
  testDriver({
    name: "docker",
    create: () => new DockerDriver(),
    configs: {
      runs: shell("trap 'exit 0' TERM; while :; do sleep 1 & wait; done"),
      exits: ({ code, afterMs }) => shell(`sleep ${afterMs / 1000}; exit ${code}`),
      ignoresStop: shell("trap '' TERM; while :; do sleep 1; done"),
      prints: (stdout, stderr) => shell(`echo '${stdout}'; echo '${stderr}' >&2`),
      counts: ({ count, everyMs }) =>
        shell(
          `i=0; while [ $i -lt ${count} ]; do i=$((i+1)); echo $i; usleep ${everyMs * 1000}; done`,
        ),
      broken: { image: SHELL_IMAGE, command: "/no/such/program", network_mode: "none" },
    },
    exec: { command: ["/bin/sh", "-c", "cat; exit 4"], exitCode: 4 },
    remembers: true,
  });
  testImages();
  if (registryUp) testRegistry();
  else console.log(`docker driver: pull tests skipped: no registry at ${REGISTRY}`);
  testContainers();
  testNetworks();
}

interface Stage {
  readonly driver: DockerDriver;
  readonly docker: Docker;
  readonly request: (
    config: TaskStartRequest["config"],
    more?: Partial<TaskStartRequest>,
  ) => TaskStartRequest;
  /** Messages of the driver's events. */
  readonly events: string[];
}

async function onStage(body: (stage: Stage) => Promise<void>): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "drover-docker-"));
  const driver = new DockerDriver();
  const clusterId = `t${process.pid}${Math.floor(performance.now())}`;
  const identity = {
    clusterId,
    nodeId: "n",
    allocId: "a1",
    taskName: "web",
    namespace: "default",
    jobId: "j",
    groupName: "g",
  };
  try {
    await body({
      driver,
      docker: new Docker(),
      request: (config, more = {}) => ({ ...startRequest(root, identity, config), ...more }),
      events: [],
    });
  } finally {
    await driver.destroy(identity);
    await driver.close();
    await rm(root, { recursive: true, force: true });
  }
}

function sink(stage: Stage) {
  return (event: { message: string }) => {
    stage.events.push(event.message);
  };
}

function prepare(stage: Stage, config: TaskStartRequest["config"], imageDigest = "") {
  const request = stage.request(config, { imageDigest });
  return stage.driver.prepare(request, sink(stage), AbortSignal.timeout(20_000));
}

function testImages(): void {
  test("docker: a bare name that is nowhere is reported at once and for good", async () => {
    await onStage(async (stage) => {
      const began = performance.now();
      await assert.rejects(prepare(stage, { image: "geo-api-server:0.33" }), (error) => {
        assert.ok(error instanceof TaskStartError);
        assert.equal(error.code, "image-not-found");
        assert.equal(error.retryable, false);
        assert.match(
          error.message,
          /^Failed to pull `geo-api-server:0\.33`: Error response from daemon: [^(]/,
        );
        return true;
      });
      assert.deepEqual(stage.events, ["Downloading image"]);
      assert.ok(performance.now() - began < 5_000, "it did not hang");
    });
  });

  test("docker: a registry that does not answer may answer later", async () => {
    await onStage(async (stage) => {
      await assert.rejects(prepare(stage, { image: "127.0.0.1:1/web:1" }), (error) => {
        assert.ok(error instanceof TaskStartError);
        assert.equal(error.retryable, true);
        return true;
      });
    });
  });

  test("docker: a local image is used as it is, by the id it had the first time", async () => {
    await onStage(async (stage) => {
      const tag = "drover-test-moving:1";
      const images = [SERVER_IMAGE, CRASHING_IMAGE].map((name) => stage.docker.getImage(name));
      const [first, second] = images;
      assert.ok(first !== undefined && second !== undefined);
      const target = { repo: "drover-test-moving", tag: "1" };
      await first.tag(target);
      try {
        const { imageDigest } = await prepare(stage, { image: tag });
        assert.equal(imageDigest, (await first.inspect()).Id);
        await second.tag(target);
        const request = stage.request({ image: tag, network_mode: "none" }, { imageDigest });
        const handle = await stage.driver.start(request, sink(stage));
        const { containerId } = handle.driverState as { containerId: string };
        const container = await stage.docker.getContainer(containerId).inspect();
        assert.equal(container.Image, imageDigest);
        assert.deepEqual(stage.events, []);
      } finally {
        await stage.docker.getImage(tag).remove();
      }
    });
  });

  test("docker: an image that goes between preparation and start is looked for again", async () => {
    await onStage(async (stage) => {
      const image = "drover-test-going:1";
      const source = stage.docker.getImage(SERVER_IMAGE);
      await source.tag({ repo: "drover-test-going", tag: "1" });
      const { Id: imageDigest } = await source.inspect();
      const request = stage.request({ image, network_mode: "none" }, { imageDigest });
      await stage.driver.prepare(request, sink(stage), new AbortController().signal);
      await stage.docker.getImage(image).remove();
      const handle = await stage.driver.start(request, sink(stage));
      const { containerId } = handle.driverState as { containerId: string };
      const container = await stage.docker.getContainer(containerId).inspect();
      assert.equal(container.Image, imageDigest);
    });
  });

  test("docker: an image reference that cannot be one is refused for good", async () => {
    await onStage(async (stage) => {
      await assert.rejects(prepare(stage, { image: "Not A Reference" }), (error) => {
        assert.ok(error instanceof TaskStartError);
        assert.equal(error.retryable, false);
        return true;
      });
    });
  });
}

function testRegistry(): void {
  test("docker: a missing image is pulled once and pinned by its registry's digest", async () => {
    await onStage(async (stage) => {
      const repo = `${REGISTRY}/drover-test`;
      const image = `${repo}:1`;
      await stage.docker.getImage(SERVER_IMAGE).tag({ repo, tag: "1" });
      const pushed = await stage.docker.getImage(image).push({ tag: "1" });
      await new Promise((resolve) => stage.docker.modem.followProgress(pushed, resolve));
      await stage.docker.getImage(image).remove();
      try {
        const both = await Promise.all([prepare(stage, { image }), prepare(stage, { image })]);
        const digest = both[0].imageDigest;
        assert.ok(digest.startsWith(`${repo}@sha256:`), digest);
        assert.equal(both[1].imageDigest, digest);
        await stage.docker.getImage(image).remove();
        const again = await prepare(stage, { image }, digest);
        assert.equal(again.imageDigest, digest);
        await assert.rejects(prepare(stage, { image: `${repo}:missing` }), (error) => {
          assert.ok(error instanceof TaskStartError);
          assert.equal(error.retryable, false);
          return true;
        });
      } finally {
        const left = await stage.docker.listImages({ filters: { reference: [repo] } });
        const names = left.flatMap((info) => info.RepoTags ?? info.RepoDigests ?? []);
        for (const name of names) await stage.docker.getImage(name).remove({ force: true });
      }
    });
  });
}

function testContainers(): void {
  test("docker: a crash is told with the exit message users know", async () => {
    await onStage(async (stage) => {
      const request = stage.request({ image: CRASHING_IMAGE, network_mode: "none" });
      const handle = await stage.driver.start(request, sink(stage));
      const exit = await stage.driver.wait(handle, AbortSignal.timeout(20_000));
      assert.equal(exit.exitCode, 3);
      assert.equal(exit.message, "Docker container exited with non-zero exit code: 3");
      assert.equal(exit.duringOutage, undefined);
    });
  });

  test("docker: limits, labels and directories reach the container", async () => {
    await onStage(async (stage) => {
      const config = {
        ...shell("sleep 600"),
        labels: [{ team: "geo" }],
        ulimit: { nofile: "64:128" },
      };
      const request = stage.request(config, { cpuShares: 77, memoryMb: 32, memoryMaxMb: 48 });
      const handle = await stage.driver.start(request, sink(stage));
      const { containerId } = handle.driverState as { containerId: string };
      const { HostConfig, Config, Name } = await stage.docker.getContainer(containerId).inspect();
      assert.equal(HostConfig.CpuShares, 77);
      assert.equal(HostConfig.Memory, 48 * 1024 * 1024);
      assert.equal(HostConfig.MemoryReservation, 32 * 1024 * 1024);
      assert.deepEqual(HostConfig.RestartPolicy, { Name: "no", MaximumRetryCount: 0 });
      assert.deepEqual(HostConfig.Ulimits, [{ Name: "nofile", Soft: 64, Hard: 128 }]);
      assert.equal(Config.Labels.team, "geo");
      assert.equal(Config.Labels["io.drover.alloc"], "a1");
      assert.match(Name, /^\/drover-.*-a1-web$/);
      assert.ok(HostConfig.Binds?.some((bind) => bind.endsWith(":/local")));
    });
  });

  test("docker: a task ends by the signal of its job, not by the usual one", async () => {
    await onStage(async (stage) => {
      // Left alone it goes on: the usual signal would only be followed by the hard one.
      const script = "trap 'exit 9' USR1; trap '' TERM; while :; do sleep 0.1; done";
      const handle = await stage.driver.start(stage.request(shell(script)), sink(stage));
      const ended = stage.driver.wait(handle, AbortSignal.timeout(20_000));
      await stage.driver.stop(handle, { killSignal: "SIGUSR1", timeoutMs: 2_000 });
      assert.equal((await ended).exitCode, 9);
    });
  });

  test("docker: an ended container of the same name is no obstacle", async () => {
    await onStage(async (stage) => {
      const first = await stage.driver.start(stage.request(shell("exit 1")), sink(stage));
      await stage.driver.wait(first, AbortSignal.timeout(20_000));
      const second = await stage.driver.start(stage.request(shell("sleep 600")), sink(stage));
      assert.notDeepEqual(second.driverState, first.driverState);
      assert.equal((await stage.driver.list(first.identity)).length, 1);
    });
  });

  test("docker: resource use is read without waiting for a second sample", async () => {
    await onStage(async (stage) => {
      const handle = await stage.driver.start(stage.request(shell("sleep 600")), sink(stage));
      const began = performance.now();
      let stats = await stage.driver.stats(handle);
      assert.ok(performance.now() - began < 1_000);
      // The shell may not have touched a page yet.
      for (let tries = 0; tries < 100 && !stats?.memoryUsageBytes; tries += 1) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        stats = await stage.driver.stats(handle);
      }
      assert.ok(stats !== null && stats.memoryUsageBytes > 0);
    });
  });
}

function testNetworks(): void {
  test("docker: a published port answers on the host", async () => {
    await onStage(async (stage) => {
      const value = await freePort();
      const ports = [{ label: "http", value, to: 8080, hostIp: "127.0.0.1" }];
      const request = stage.request({ image: SERVER_IMAGE, ports: ["http"] }, { ports });
      const handle = await stage.driver.start(request, sink(stage));
      assert.deepEqual(handle.network?.portMap, { http: 8080 });
      const deadline = performance.now() + 10_000;
      while ((await statusOf(`http://127.0.0.1:${value}/health`)) !== 200) {
        assert.ok(performance.now() < deadline, "the port never answered");
      }
    });
  });

  test("docker: a taken port is an error that may pass, and nothing is left behind", async () => {
    await onStage(async (stage) => {
      const holder = http.createServer();
      await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
      const { port } = holder.address() as { port: number };
      const ports = [{ label: "http", value: port, to: 8080, hostIp: "127.0.0.1" }];
      const request = stage.request({ image: SERVER_IMAGE, ports: ["http"] }, { ports });
      await assert.rejects(stage.driver.start(request, sink(stage)), (error) => {
        assert.ok(error instanceof TaskStartError);
        assert.equal(error.retryable, true);
        assert.equal(error.code, "port-taken");
        return true;
      });
      holder.close();
      assert.deepEqual(await stage.driver.list(request.identity), []);
    });
  });
}

async function freePort(): Promise<number> {
  const server = http.createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** 0 when nobody answers. */
function statusOf(url: string): Promise<number> {
  return new Promise((resolve) => {
    const request = http.get(url, { agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    request.once("error", () => resolve(0));
  });
}
