/** A Consul agent for the tests: Debian's last package of it, unpacked, not installed. */
import { existsSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mirror } from "./apt-sources.ts";
import { daemonPid, INFRA_DIR, InfraError, run, startDaemon, stopDaemon, waitFor } from "./run.ts";

const HOME = join(INFRA_DIR, "consul");
const BINARY = join(HOME, "usr/bin/consul");
const PORT = 18_700;
/** The last Debian release that carries Consul. */
const SUITE = "bullseye";

export const CONSUL_ADDRESS = `127.0.0.1:${PORT}`;

export async function startConsul(): Promise<void> {
  if (daemonPid("consul") !== null && (await hasLeader())) return;
  if (!existsSync(BINARY)) unpackConsul();
  const config = join(HOME, "config.json");
  const ports = {
    http: PORT,
    grpc: -1,
    dns: PORT + 10,
    serf_lan: PORT + 1,
    serf_wan: PORT + 2,
    server: PORT + 3,
  };
  writeFileSync(
    config,
    JSON.stringify({
      ports,
      bind_addr: "127.0.0.1",
      client_addr: "127.0.0.1",
      enable_script_checks: true,
      disable_update_check: true,
      log_level: "warn",
    }),
  );
  startDaemon("consul", BINARY, ["agent", "-dev", "-node", "test", "-config-file", config]);
  await waitFor(hasLeader, { timeoutMs: 20_000, what: "Consul (see consul.log)" });
}

export async function stopConsul(): Promise<void> {
  await stopDaemon("consul");
}

async function hasLeader(): Promise<boolean> {
  try {
    const answer = await fetch(`http://${CONSUL_ADDRESS}/v1/status/leader`);
    return answer.ok && (await answer.text()).length > 2;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

/** Reads the package through a package list of its own: the machine's is left as it is. */
function unpackConsul(): void {
  const work = mkdtempSync(join(tmpdir(), "drover-consul-"));
  try {
    for (const folder of ["lists/partial", "cache/archives/partial", "parts"]) {
      mkdirSync(join(work, folder), { recursive: true });
    }
    const sources = [
      "Types: deb",
      `URIs: ${mirror()}`,
      `Suites: ${SUITE}`,
      "Components: main",
      "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg",
    ];
    writeFileSync(join(work, "parts/suite.sources"), `${sources.join("\n")}\n`);
    const options = [
      "Dir::Etc::SourceList=/dev/null",
      `Dir::Etc::SourceParts=${work}/parts`,
      `Dir::State::Lists=${work}/lists`,
      `Dir::Cache=${work}/cache`,
      "Acquire::Languages=none",
      "Acquire::Retries=3",
      "APT::Sandbox::User=root",
    ].flatMap((option) => ["-o", option]);
    run("apt-get", [...options, "-qq", "update"]);
    run("sh", ["-c", `cd ${work} && apt-get ${options.join(" ")} -qq download consul`]);
    const [archive] = globSync(join(work, "consul_*.deb"));
    if (archive === undefined) throw new InfraError(`no consul package in ${SUITE}`);
    mkdirSync(HOME, { recursive: true });
    run("dpkg-deb", ["-x", archive, HOME]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
