/**
 * Constraints that a job's own features imply: a node that could not run them is never chosen
 * (spec chapter 2 §2.1). They become part of the stored job and of diffs, so they are always added
 * in the same order, and not where the user has constrained the same attribute.
 */
import type { Constraint } from "./constraint.ts";
import type { Job } from "./job.ts";
import type { Service } from "./service.ts";
import type { Task } from "./task.ts";
import type { TaskGroup } from "./task-group.ts";

/** On a node attribute, written in a job file as `${attr.NAME}`. */
function onAttribute(name: string, operand: string, rTarget: string): Constraint {
  return { lTarget: `\${attr.${name}}`, operand, rTarget };
}

const VAULT = onAttribute("vault.version", "semver", ">= 0.6.1");
const CONSUL = onAttribute("consul.version", "semver", ">= 1.8.0");
const BUILT_IN_SERVICES = onAttribute("nomad.service_discovery", "=", "true");
const BUILT_IN_CHECKS = onAttribute("nomad.version", "semver", ">= 1.4.0");
const IDENTITIES = onAttribute("nomad.version", "semver", ">= 1.7.0-a");
const CNI_PLUGINS = ["bridge", "firewall", "host-local", "loopback", "portmap"].map((plugin) =>
  onAttribute(`plugins.cni.version.${plugin}`, "semver", ">= 0.4.0"),
);

export function addImpliedConstraints(job: Job): void {
  for (const group of job.taskGroups) {
    for (const implied of impliedByGroup(group)) add(group.constraints, implied);
    for (const task of group.tasks) {
      if (task.services.some(isConsul)) add(task.constraints, CONSUL);
    }
  }
}

function impliedByGroup(group: TaskGroup): Constraint[] {
  const implied: Constraint[] = [];
  const services = [...group.services, ...group.tasks.flatMap((task) => task.services)];
  const builtIn = services.filter((service) => service.provider === "nomad");
  if (group.tasks.some((task) => task.vault !== null)) implied.push(VAULT);
  const signals = signalsOf(group.tasks);
  if (signals.length > 0) {
    implied.push(onAttribute("os.signals", "set_contains", signals.join(",")));
  }
  if (builtIn.length > 0) implied.push(BUILT_IN_SERVICES);
  if (builtIn.some((service) => service.checks.length > 0)) implied.push(BUILT_IN_CHECKS);
  if (group.services.some(isConsul)) implied.push(CONSUL);
  if (group.networks.some((network) => network.mode === "bridge")) implied.push(...CNI_PLUGINS);
  const hasIdentity =
    group.tasks.some((task) => task.identities.length > 0) ||
    services.some((service) => service.identity !== null);
  if (hasIdentity) implied.push(IDENTITIES);
  return implied;
}

function isConsul(service: Service): boolean {
  return service.provider === "consul";
}

/** Every signal that the tasks may be sent, sorted, each once. */
function signalsOf(tasks: readonly Task[]): string[] {
  const signals = new Set<string>();
  for (const task of tasks) {
    if (task.killSignal !== "") signals.add(task.killSignal);
    if (task.vault?.changeMode === "signal") signals.add(task.vault.changeSignal);
    for (const template of task.templates) {
      if (template.changeMode === "signal") signals.add(template.changeSignal);
    }
  }
  return [...signals].sort();
}

function add(constraints: Constraint[], implied: Constraint): void {
  const known = constraints.some((one) => one.lTarget === implied.lTarget);
  if (!known) constraints.push({ ...implied });
}
