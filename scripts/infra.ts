/**
 * The real parts that tests and demo run on: `up` starts what can be started and says what cannot,
 * `env` prints the variables that tests read, `down` stops it all.
 */
import { CONSUL_ADDRESS, startConsul, stopConsul } from "./infra/consul.ts";
import { DOCKER_ENDPOINT, startDocker, stopDocker } from "./infra/docker.ts";
import { ensureEtcd, etcdProgram } from "./infra/etcd.ts";
import { ensureImages } from "./infra/images.ts";
import { daemonPid } from "./infra/run.ts";

/** Variables of what runs; an absent one makes the tests that need it say why they are skipped. */
export function infraEnv(): Record<string, string> {
  const env: Record<string, string> = {};
  if (daemonPid("dockerd") !== null) env.DROVER_TEST_DOCKER = DOCKER_ENDPOINT;
  if (daemonPid("consul") !== null) env.DROVER_TEST_CONSUL = CONSUL_ADDRESS;
  return env;
}

export async function infraUp(): Promise<void> {
  for (const [name, start] of [
    [
      "Docker",
      async () => {
        await startDocker();
        await ensureImages();
      },
    ],
    ["Consul", startConsul],
  ] as const) {
    try {
      await start();
    } catch (error) {
      console.log(
        `${name} is not available here: ${error instanceof Error ? error.message : error}`,
      );
    }
  }
}

/** Names etcd's program, which tests and benches start themselves; fetched where it can be had. */
export function etcdEnv(options: { readonly fetch: boolean }): Record<string, string> {
  try {
    if (options.fetch) ensureEtcd();
  } catch (error) {
    console.log(`etcd is not available here: ${error instanceof Error ? error.message : error}`);
  }
  const program = etcdProgram();
  return program === null ? {} : { DROVER_TEST_ETCD: program };
}

export async function infraDown(): Promise<void> {
  await stopConsul();
  await stopDocker();
}

if (import.meta.main) {
  const [verb = "up"] = process.argv.slice(2);
  if (verb === "up") await infraUp();
  else if (verb === "down") await infraDown();
  else if (verb !== "env") {
    console.error("usage: infra.ts up | env | down");
    process.exit(2);
  }
  if (verb !== "down") {
    const env = { ...infraEnv(), ...etcdEnv({ fetch: verb === "up" }) };
    for (const [name, value] of Object.entries(env)) console.log(`export ${name}=${value}`);
  }
}
