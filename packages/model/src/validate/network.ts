/** Ports of a group and of its tasks (spec chapter 1 §1.7). */
import type { Network, Port } from "../job/network.ts";
import type { TaskGroup } from "../job/task-group.ts";
import { Problems, quote } from "./problems.ts";

const PORT_MAX = 65_535;

/** Who holds each label and each static port, over the whole group. */
interface Claims {
  readonly labels: Map<string, string>;
  /** By host network and number. */
  readonly statics: Map<string, string>;
}

export function validateNetworks(group: TaskGroup): Problems {
  const problems = new Problems();
  const claims: Claims = { labels: new Map(), statics: new Map() };
  for (const network of group.networks) {
    validateNetwork(network, "taskgroup network", claims, problems);
  }
  for (const task of group.tasks) {
    for (const network of task.resources.networks) {
      validateNetwork(network, `task ${task.name} network`, claims, problems);
    }
  }
  return problems;
}

function validateNetwork(
  network: Network,
  owner: string,
  claims: Claims,
  problems: Problems,
): void {
  for (const port of [...network.reservedPorts, ...network.dynamicPorts]) {
    const held = claims.labels.get(port.label);
    if (held === undefined) claims.labels.set(port.label, owner);
    else problems.add(`Port label ${port.label} already in use by ${held}`);
    if (port.value > 0) claimStatic(port, owner, claims, problems);
    problems.addIf(
      port.to < -1,
      `Port ${quote(port.label)} cannot be mapped to negative value ${port.to}`,
    );
    problems.addIf(
      port.to > PORT_MAX,
      `Port ${quote(port.label)} cannot be mapped to a port (${port.to}) greater than ${PORT_MAX}`,
    );
    problems.addIf(
      port.ignoreCollision && network.mode !== "" && network.mode !== "host",
      `Port ${quote(port.label)} collision may not be ignored on non-host network mode ` +
        quote(network.mode),
    );
  }
}

function claimStatic(port: Port, owner: string, claims: Claims, problems: Problems): void {
  const key = `${port.hostNetwork} ${port.value}`;
  const held = claims.statics.get(key);
  if (held === undefined) claims.statics.set(key, `${owner}:${port.label}`);
  else if (!port.ignoreCollision) {
    problems.add(`Static port ${port.value} already reserved by ${held}`);
  }
  problems.addIf(
    port.value > PORT_MAX,
    `Port ${port.label} (${port.value}) cannot be greater than ${PORT_MAX}`,
  );
}
