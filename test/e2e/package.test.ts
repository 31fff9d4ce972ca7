/**
 * The Debian package on two machines with systemd: installed, the second joins the first, a job
 * runs on both; tasks outlive their agent.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { basename, dirname } from "node:path";
import test from "node:test";
import { hasCommand, isRoot } from "../../scripts/infra/run.ts";
import { ensureSystemdImage, SystemdHost, withNetwork } from "../../scripts/infra/systemd.ts";
import { buildDeb } from "../../scripts/package/deb.ts";
import { buildProgram } from "../../scripts/package/program.ts";
import { TestApi } from "../support/api.ts";
import { lacking } from "../support/real-parts.ts";
import { waitUntil } from "../support/wait.ts";

const NETWORK = { name: `drover-package-${process.pid}`, subnet: "172.29.66.0/24" };
const ADDRESSES = ["172.29.66.11", "172.29.66.12"] as const;
const MIN = 60_000;

const JOB = `
job "everywhere" {
  group "one-per-machine" {
    count = 2
    constraint {
      operator = "distinct_hosts"
      value    = "true"
    }
    task "sleeper" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["3600"]
      }
      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
`;

interface AllocDoc {
  readonly ID: string;
  readonly NodeName: string;
  readonly ClientStatus: string;
}

function lack(): string | false {
  if (!isRoot()) return "machines with systemd need root";
  if (!hasCommand("dpkg-deb")) return "no dpkg-deb: not a Debian machine";
  return lacking("docker");
}

/** What this machine's agent reads beside the packaged file. */
function settings(address: string, first: string): string {
  const role =
    address === first
      ? "server {\n  bootstrap_expect = 1\n}"
      : `server {\n  bootstrap_expect = 0\n}\njoin = ["${first}"]`;
  return `bind_addr = "${address}"\n${role}\nplugin "raw_exec" {\n  config {\n    enabled = true\n  }\n}\n`;
}

function sleeperPid(host: SystemdHost): string {
  return host.run("pgrep", "-x", "sleep").trim();
}

test("the package makes two machines a cluster that runs a job", {
  skip: lack(),
  timeout: 10 * MIN,
}, async () => {
  const deb = buildDeb(await buildProgram());
  await ensureSystemdImage();
  await withNetwork(NETWORK, async () => {
    const hosts: SystemdHost[] = [];
    try {
      for (const [i, address] of ADDRESSES.entries()) {
        const name = `drover-host${i + 1}-${process.pid}`;
        const options = { name, network: NETWORK.name, address, mount: dirname(deb) };
        hosts.push(await SystemdHost.boot(options));
      }
      await install(hosts, basename(deb));
      const [first, second] = hosts as [SystemdHost, SystemdHost];
      const running = await runJob(first);
      assert.deepEqual(running.map(({ NodeName }) => NodeName).sort(), [first.name, second.name]);
      await outliveAgent(second);
    } catch (error) {
      for (const host of hosts) console.log(journal(host));
      throw error;
    } finally {
      for (const host of hosts) host.remove();
    }
  });
});

async function install(hosts: readonly SystemdHost[], deb: string): Promise<void> {
  for (const host of hosts) {
    host.write("/etc/drover/local.hcl", settings(host.address, ADDRESSES[0]));
    host.run("dpkg", "-i", `/mnt/${deb}`);
    assert.equal(host.run("systemctl", "is-enabled", "drover").trim(), "enabled");
    // Type=notify: this returns when the agent has said that it is ready.
    host.run("systemctl", "start", "drover");
  }
}

async function runJob(host: SystemdHost): Promise<readonly AllocDoc[]> {
  const api = new TestApi(`${host.address}:4646`);
  await waitUntil(
    () => api.get<{ Status: string }[]>("/v1/nodes"),
    (nodes) => nodes.filter(({ Status }) => Status === "ready").length === 2,
    { timeoutMs: 30_000, what: "both nodes to be ready" },
  );
  const parsed = await api.put("/v1/jobs/parse", { JobHCL: JOB, Canonicalize: true });
  await api.put("/v1/jobs", { Job: parsed });
  return await waitUntil(
    () => api.get<AllocDoc[]>("/v1/job/everywhere/allocations"),
    (allocs) => allocs.filter(({ ClientStatus }) => ClientStatus === "running").length === 2,
    { timeoutMs: 30_000, what: "two running allocations" },
  );
}

/** A crash is followed by a restart, a stop stops the agent only; the task never notices. */
async function outliveAgent(host: SystemdHost): Promise<void> {
  const task = sleeperPid(host);
  const agent = () => host.run("systemctl", "show", "-p", "MainPID", "--value", "drover").trim();
  const before = agent();
  host.run("kill", "-KILL", before);
  await waitUntil(
    () => host.run("sh", "-c", "systemctl is-active drover || true").trim(),
    (state) => state === "active" && agent() !== before,
    { timeoutMs: 30_000, what: "systemd to start the agent again" },
  );
  assert.equal(sleeperPid(host), task);
  host.run("systemctl", "stop", "drover");
  assert.equal(sleeperPid(host), task);
  host.run("systemctl", "start", "drover");
}

function journal(host: SystemdHost): string {
  const script = "systemctl status drover --no-pager; journalctl -u drover --no-pager -n 40";
  const said = spawnSync("docker", ["exec", host.name, "sh", "-c", script], {
    encoding: "utf8",
    env: { ...process.env, DOCKER_HOST: process.env.DROVER_TEST_DOCKER ?? "" },
  });
  return `${host.name}:\n${said.stdout}${said.stderr}`;
}
