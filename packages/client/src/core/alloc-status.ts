/** An allocation's client status from the states of its tasks (spec chapter 5 §5.3). */
import { ClientStatus, type TaskState } from "@drover/model";

export function allocStatus(states: readonly TaskState[]): {
  status: ClientStatus;
  description: string;
} {
  if (states.some((s) => s.state === "dead" && s.failed)) {
    return { status: ClientStatus.failed, description: "Failed tasks" };
  }
  if (states.some((s) => s.state === "running")) {
    return { status: ClientStatus.running, description: "Tasks are running" };
  }
  if (states.some((s) => s.state === "pending")) {
    return { status: ClientStatus.pending, description: "No tasks have started" };
  }
  return { status: ClientStatus.complete, description: "All tasks have completed" };
}
