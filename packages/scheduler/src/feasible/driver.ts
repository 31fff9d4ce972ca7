/** Which drivers a group needs, and whether a node has them in working order (spec §6.3). */
import type { Node, TaskGroup } from "@drover/model";
import type { NodeFilter } from "./filter.ts";

export class DriverFilter implements NodeFilter {
  readonly #drivers: readonly string[];

  constructor(group: TaskGroup) {
    this.#drivers = [...new Set(group.tasks.map((task) => task.driver))];
  }

  explain(node: Node): string | null {
    return this.#drivers.every((driver) => hasDriver(node, driver)) ? null : "missing drivers";
  }
}

/** A node that reports the driver itself is believed over its attribute. */
function hasDriver(node: Node, driver: string): boolean {
  const info = Object.hasOwn(node.drivers, driver) ? node.drivers[driver] : undefined;
  if (info) return info.detected && info.healthy;
  const attribute = node.attributes[`driver.${driver}`];
  return attribute === "1" || attribute === "true" || attribute === "t" || attribute === "T";
}
