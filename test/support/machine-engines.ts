/** A Docker engine for each of a test's machines, where it matters that their images are apart. */
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Engine, socketOf, startDocker, stopDocker } from "../../scripts/infra/docker.ts";
import { INFRA_DIR } from "../../scripts/infra/run.ts";

export class MachineEngines {
  readonly #engines: readonly Engine[];

  private constructor(engines: readonly Engine[]) {
    this.#engines = engines;
  }

  /** `net`: the second byte of their bridges' addresses; of those who run at a time, one's own. */
  static async start(net: number, count: number): Promise<MachineEngines> {
    const machines = new MachineEngines(Array.from({ length: count }, (_, i) => engineOf(net, i)));
    try {
      for (const engine of machines.#engines) await startDocker(engine);
    } catch (error) {
      await machines.remove();
      throw error;
    }
    return machines;
  }

  endpoint(machine: number): string {
    const engine = this.#engines[machine];
    if (engine === undefined) throw new Error(`no machine ${machine}`);
    return `unix://${socketOf(engine)}`;
  }

  /** With everything that they hold. */
  async remove(): Promise<void> {
    for (const engine of this.#engines) {
      await stopDocker(engine);
      execFileSync("ip", ["link", "del", engine.bridge]);
      rmSync(engine.home, { recursive: true, force: true });
    }
  }
}

function engineOf(net: number, i: number): Engine {
  return {
    daemon: `dockerd-${net}-${i}`,
    home: join(INFRA_DIR, `machine-${net}-${i}`),
    bridge: `drover-${net}-${i}`,
    bridgeAddress: `172.${net}.${i}.1/24`,
    flags: [],
  };
}
