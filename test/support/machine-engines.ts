/**
 * A Docker engine for each of a test's machines, where it matters that their images are apart.
 * They are named by the process that uses them, so that runs do not meet, and the next run removes
 * what one that was killed has left.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Engine, socketOf, startDocker, stopDocker } from "../../scripts/infra/docker.ts";
import { INFRA_DIR } from "../../scripts/infra/run.ts";

const HOME = /^machine-(\d+)-(\d+)$/;

export class MachineEngines {
  readonly #engines: readonly Engine[];

  private constructor(engines: readonly Engine[]) {
    this.#engines = engines;
  }

  /** At most four. */
  static async start(count: number): Promise<MachineEngines> {
    await removeLeftovers();
    const engines = Array.from({ length: count }, (_, i) => engineOf(process.pid, i));
    const machines = new MachineEngines(engines);
    try {
      for (const engine of engines) await startDocker(engine);
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
    for (const engine of this.#engines) await remove(engine);
  }
}

async function removeLeftovers(): Promise<void> {
  for (const entry of readdirSync(INFRA_DIR)) {
    const [, pid = "", i = ""] = HOME.exec(entry) ?? [];
    if (pid !== "" && !existsSync(`/proc/${pid}`)) await remove(engineOf(Number(pid), Number(i)));
  }
}

async function remove(engine: Engine): Promise<void> {
  await stopDocker(engine);
  if (spawnSync("ip", ["link", "show", engine.bridge]).status === 0) {
    execFileSync("ip", ["link", "del", engine.bridge]);
  }
  rmSync(engine.home, { recursive: true, force: true });
  rmSync(join(INFRA_DIR, `${engine.daemon}.log`), { force: true });
}

function engineOf(pid: number, i: number): Engine {
  return {
    daemon: `dockerd-machine-${pid}-${i}`,
    home: join(INFRA_DIR, `machine-${pid}-${i}`),
    // Fifteen characters at most.
    bridge: `dm${pid}-${i}`,
    // Of the range that is set aside for measurements of networks.
    bridgeAddress: `198.18.${(pid % 64) * 4 + i}.1/24`,
    flags: [],
  };
}
