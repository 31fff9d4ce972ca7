/** What a node can say about its Docker engine (spec chapter 6, node attributes). */
import { errorText } from "@drover/base";
import type { DriverFingerprint } from "../task-driver.ts";
import type { DockerEngine } from "./engine.ts";
import { isUnreachable } from "./errors.ts";

const TIMEOUT_MS = 5_000;

/** Never throws: an engine that does not answer is one that is not there. */
export async function fingerprintDocker(engine: DockerEngine): Promise<DriverFingerprint> {
  try {
    const version = await engine.call((docker) => docker.version(), TIMEOUT_MS);
    const info = await engine.call((docker) => docker.info(), TIMEOUT_MS);
    const bridgeIp = await bridgeAddress(engine);
    const attributes: Record<string, string> = {
      "driver.docker": "true",
      "driver.docker.version": version.Version,
      "driver.docker.os_type": version.Os,
      "driver.docker.runtimes": Object.keys(info.Runtimes ?? {})
        .sort()
        .join(","),
    };
    if (bridgeIp !== "") attributes["driver.docker.bridge_ip"] = bridgeIp;
    return { detected: true, healthy: true, healthDescription: "Healthy", attributes };
  } catch (error) {
    const healthDescription = isUnreachable(error)
      ? "Failed to connect to docker daemon"
      : errorText(error);
    return { detected: false, healthy: false, healthDescription, attributes: {} };
  }
}

/** "" when the engine has no default bridge. */
async function bridgeAddress(engine: DockerEngine): Promise<string> {
  const networks = await engine.call(
    (docker) => docker.listNetworks({ filters: { name: ["bridge"] } }),
    TIMEOUT_MS,
  );
  const bridge = networks.find((network) => network.Name === "bridge");
  return bridge?.IPAM?.Config?.[0]?.Gateway ?? "";
}
