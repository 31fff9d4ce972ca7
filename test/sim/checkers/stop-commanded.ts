/**
 * I11: an agent stops a container only after a command has said so. What its job or its user has
 * told the agent to do by itself is commanded too: `stop_on_client_after`, a restart by an operator,
 * the end of the tasks beside a main task that has ended, and of the main task beside one that has
 * failed.
 */
import type { Allocation } from "@drover/model";
import { MAIN_TASK } from "../jobs.ts";
import type { Container, SimEngine } from "../world/engine.ts";
import { mainContainer, type Truth } from "../world/truth.ts";
import { type ClusterChecker, expect } from "./checker.ts";

export class StopCommanded implements ClusterChecker {
  readonly name = "stop commanded (I11)";

  stopping(engine: SimEngine, container: Container, truth: Truth): void {
    const { allocId, taskName } = container.identity;
    const alloc = truth.state?.alloc(allocId);
    // One that the state no longer holds was told by a tombstone.
    const commanded =
      alloc === undefined ||
      alloc.desiredStatus !== "run" ||
      truth.mayRestart(allocId) ||
      mayStopByItself(alloc, truth) ||
      (taskName !== MAIN_TASK && mainContainer(engine, allocId) === undefined) ||
      (taskName === MAIN_TASK && hasFailedSibling(engine, allocId));
    expect(commanded, this, () => {
      return `${engine.host} stops ${container.name}, which shall run`;
    });
  }
}

/** A task beside the main one ended badly and is not up again: its restarts may be used up. */
function hasFailedSibling(engine: SimEngine, allocId: string): boolean {
  return [...engine.newest.values()].some(({ identity, exit }) => {
    const isSibling = identity.allocId === allocId && identity.taskName !== MAIN_TASK;
    return isSibling && exit !== null && exit.exitCode !== 0;
  });
}

/** Its job wants it stopped when its agent hears of no server. */
function mayStopByItself(alloc: Allocation, truth: Truth): boolean {
  const groups = truth.state?.allocJob(alloc)?.taskGroups ?? [];
  const group = groups.find(({ name }) => name === alloc.taskGroup);
  return group?.disconnect != null && group.disconnect.stopOnClientAfter !== null;
}
