/** A Consul agent for the tests: Debian's last package of it, unpacked, not installed. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { daemonPid, INFRA_DIR, startDaemon, stopDaemon, waitFor } from "./run.ts";
import { unpackPackage } from "./unpack.ts";

const HOME = join(INFRA_DIR, "consul");
const BINARY = join(HOME, "usr/bin/consul");
const PORT = 18_700;
/** The last Debian release that carries Consul. */
const SUITE = "bullseye";

export const CONSUL_ADDRESS = `127.0.0.1:${PORT}`;

export async function startConsul(): Promise<void> {
  if (daemonPid("consul") !== null && (await hasLeader())) return;
  if (!existsSync(BINARY)) unpackPackage({ name: "consul", suite: SUITE, into: HOME });
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
