/** A committed command in one line, for whoever reads the log of a failed run. */
import type { AppliedEntry } from "./checkers/checker.ts";

const short = (id: string): string => id.slice(0, 8);

export function tellEntry({ command, result, after }: AppliedEntry): string {
  if (!result.ok) return `refused: ${result.message}`;
  switch (command.tag) {
    case 1: {
      const { id, taskGroups } = command.job;
      const stored = after.job({ namespace: "default", id });
      const group = taskGroups[0];
      const { image } = (group?.tasks[0]?.config ?? {}) as { image?: string };
      return `register ${id} v${stored?.version} count ${group?.count} ${image} ${update(group)}`;
    }
    case 2:
      return `stop ${command.jobId}`;
    case 6: {
      const { plan } = command;
      const placed = plan.placements.map((alloc) => {
        const kind = after.alloc(alloc.id)?.createIndex === after.index ? "new" : "same";
        const canary = alloc.deploymentStatus?.canary === true ? " canary" : "";
        const where = `${alloc.nodeName} ${alloc.name.slice(alloc.name.indexOf("["))}`;
        return `${kind} ${short(alloc.id)} v${alloc.jobVersion} ${where} ${alloc.phase}${canary}`;
      });
      const stops = plan.stops.map((stop) => `${short(stop.allocId)} ${stop.desiredDescription}`);
      const ends = plan.deploymentUpdates.map((d) => `${short(d.deploymentId)} ${d.status}`);
      const deployment = plan.deployment === null ? "" : ` deployment ${short(plan.deployment.id)}`;
      return (
        `plan ${plan.jobId} v${plan.jobVersion}${deployment}: stop [${stops.join("; ")}] ` +
        `place [${placed.join("; ")}] ${ends.join("; ")}`
      );
    }
    case 7:
      return `reports ${command.reports
        .map(({ id, clientStatus, healthy, prepared }) => {
          return `${short(id)} ${clientStatus} ${healthy}${prepared ? " prepared" : ""}`;
        })
        .join("; ")}`;
    case 14:
      return `deployment ${short(command.deploymentId)} ${command.status} ${command.statusDescription}`;
    case 11:
      return `node status ${JSON.stringify(command).slice(0, 200)}`;
    case 12:
      return `node drain ${command.nodeId.slice(-2)} ${JSON.stringify(command.drain)}`;
    case 5:
      return `evals ${command.evals
        .map((e) => `${short(e.id)} ${e.jobId} ${e.triggeredBy} ${e.status}`)
        .join("; ")}`;
    default:
      return `command ${command.tag}`;
  }
}

function update(group: { update: { maxParallel: number; canary: number } | null } | undefined) {
  const strategy = group?.update;
  if (strategy == null) return "";
  return `max_parallel ${strategy.maxParallel} canary ${strategy.canary}`;
}
