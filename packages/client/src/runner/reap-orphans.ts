/**
 * Removes what runs or is registered under this node's name without an allocation (I7, I8). Done
 * once, after the first complete push: before it, the agent may not know of everything yet.
 */
import { errorText } from "@drover/base";
import type { ServiceDiscovery } from "@drover/discovery";
import type { TaskDriver } from "@drover/drivers";
import type { Log } from "../options.ts";

export interface ReapDeps {
  readonly drivers: readonly TaskDriver[];
  readonly discoveries: readonly ServiceDiscovery[];
  readonly log: Log;
  hasAlloc(allocId: string): boolean;
  serviceIds(): readonly string[];
}

/** Never touches another node's: several agents may share one engine. */
export async function reapOrphans(
  owner: { readonly clusterId: string; readonly nodeId: string },
  deps: ReapDeps,
): Promise<void> {
  for (const driver of deps.drivers) {
    await attempt(deps, `reaping tasks of ${driver.name}`, async () => {
      // A machine without Docker is nothing to report.
      if (!(await driver.fingerprint()).detected) return;
      for (const task of await driver.list(owner)) {
        if (task.nodeId !== owner.nodeId || deps.hasAlloc(task.allocId)) continue;
        deps.log("warn", "removing a task without allocation", { ...task });
        await driver.destroy(task);
      }
    });
  }
  for (const discovery of deps.discoveries) {
    await attempt(deps, `reaping services of ${discovery.provider}`, async () => {
      const removed = await discovery.reconcile(new Set(deps.serviceIds()));
      for (const id of removed) deps.log("warn", "removed a service without allocation", { id });
    });
  }
}

async function attempt(deps: ReapDeps, what: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    deps.log("error", `${what} failed`, { error: errorText(error) });
  }
}
