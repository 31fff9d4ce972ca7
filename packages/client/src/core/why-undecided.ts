/** What an allocation without a verdict lacks, as reasons (DESIGN §12.6). */
import { formatDuration, msToNanos, quoted } from "@drover/base";
import {
  type Allocation,
  type Reason,
  type Reasons,
  Rule,
  subjectOf,
  waitsFor,
  waitsUntil,
} from "@drover/model";
import type { HealthRules, HealthWait, HealthWaits } from "./alloc-health.ts";

export interface Undecided {
  readonly waits: HealthWaits;
  readonly rules: HealthRules;
  /** Epoch ms since which something is missing. */
  readonly since: number;
  /** Epoch ms at which it turns unhealthy. */
  readonly deadline: number;
  /** What its catalog cannot do, and tries again; "" = nothing. */
  readonly trouble: string;
}

export function whyUndecided(alloc: Allocation, undecided: Undecided): Reasons {
  const [first, ...others] = undecided.waits;
  return [reasonOf(alloc, undecided, first), ...others.map((w) => reasonOf(alloc, undecided, w))];
}

function reasonOf(alloc: Allocation, undecided: Undecided, wait: HealthWait): Reason {
  const { deadline, rules, since } = undecided;
  const told = { subject: subjectOf.allocation(alloc), since, wakesAt: deadline };
  switch (wait.kind) {
    case "task": {
      const text = `task "${wait.task}" does not run yet`;
      const hint = `drover alloc status ${alloc.id}`;
      const subject = subjectOf.partOf(alloc, "task", wait.task);
      const evidence = latestEvent(alloc, wait.task);
      return waitsFor({ ...told, rule: Rule.allocTaskNotRunning, text, hint, evidence }, subject);
    }
    case "catalog": {
      const text = "the catalog of services cannot be read, so its checks cannot be seen";
      const hint = `look after the Consul agent of node "${alloc.nodeName}"`;
      const node = subjectOf.node(alloc.nodeId);
      const evidence = catalogTrouble(undecided.trouble);
      return waitsFor({ ...told, rule: Rule.allocCatalogUnseen, text, hint, evidence }, node);
    }
    case "check-unseen": {
      const text = `check ${quoted(wait.check)} of service "${wait.service}" is not in the catalog yet`;
      const subject = subjectOf.partOf(alloc, "check", wait.check);
      const evidence = catalogTrouble(undecided.trouble);
      return waitsFor({ ...told, rule: Rule.allocCheckNotSeen, text, evidence }, subject);
    }
    case "check-status": {
      const text = `check ${quoted(wait.check)} of service "${wait.service}" is ${wait.status}`;
      const hint = `drover alloc logs ${alloc.id}`;
      const subject = subjectOf.partOf(alloc, "check", wait.check);
      const output: Record<string, string> = wait.output === "" ? {} : { output: wait.output };
      const evidence = { check: wait.check, status: wait.status, ...output };
      return waitsFor({ ...told, rule: Rule.allocCheckNotPassing, text, hint, evidence }, subject);
    }
    case "time": {
      const min = formatDuration(msToNanos(rules.minHealthyMs));
      const text = `everything is good, and must stay so for min_healthy_time = ${min}`;
      return waitsUntil(wait.until, { ...told, rule: Rule.allocMinHealthyTime, text });
    }
  }
}

export function catalogTrouble(text: string): Record<string, string> {
  return text === "" ? {} : { catalog: text };
}

function latestEvent(alloc: Allocation, task: string): Record<string, string> {
  const last = alloc.taskStates[task]?.events.at(-1);
  return last ? { "last event": last.displayMessage || last.message || last.type } : {};
}
