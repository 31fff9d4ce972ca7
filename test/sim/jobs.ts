/** The jobs of the workload: what a user would write, with times short enough for a run. */
import { SECOND } from "@drover/base";
import {
  type Job,
  type MigrateStrategy,
  type Service,
  type Task,
  type TaskGroup,
  type UpdateStrategy,
  withCount,
} from "@drover/model";
import {
  mockJob,
  mockResources,
  mockService,
  mockServiceCheck,
  mockTask,
  mockTaskGroup,
} from "@drover/model/testing";
import { groupNetworks, portLabels } from "./networks.ts";
import type { JobShape } from "./shapes.ts";
import { ImageKind, imageName } from "./world/images.ts";

/** The task that an allocation is there for. */
export const MAIN_TASK = "main";

export function jobOf(shape: JobShape): Job {
  const taskGroups = [groupOf(shape, "web", shape.count)];
  if (shape.sideCount > 0) taskGroups.push(groupOf({ ...shape, port: 0 }, "side", shape.sideCount));
  return mockJob({ id: shape.id, type: shape.type, taskGroups });
}

function groupOf(shape: JobShape, name: string, count: number): TaskGroup {
  const isService = shape.type === "service";
  const onEach = shape.type === "system" || shape.type === "sysbatch";
  const { restart, disconnect } = shape;
  const group = mockTaskGroup({
    name,
    count: onEach ? 1 : count,
    update: isService || shape.type === "system" ? updateOf(shape) : null,
    migrate: isService ? migrateOf(shape) : null,
    restartPolicy: {
      attempts: restart.attempts,
      interval: restart.intervalS * SECOND,
      delay: 2 * SECOND,
      mode: restart.mode,
      renderTemplates: false,
    },
    reschedulePolicy: onEach ? null : rescheduleOf(shape),
    disconnect:
      disconnect === null
        ? null
        : {
            lostAfter: disconnect.lostAfterS * SECOND,
            stopOnClientAfter:
              disconnect.stopAfterS === null ? null : disconnect.stopAfterS * SECOND,
            replace: disconnect.replace,
            reconcile: disconnect.reconcile,
          },
    ephemeralDisk: { sticky: false, migrate: false, sizeMb: 150 },
    networks: groupNetworks(shape),
    services: shape.withService ? [serviceOf(`${shape.id}-${name}`)] : [],
    tasks: tasksOf(shape),
  });
  return withCount(group, group.count);
}

function tasksOf(shape: JobShape): Task[] {
  const task = (name: string, image: string, over: Partial<Task> = {}): Task =>
    mockTask({
      name,
      driver: "docker",
      config: { image },
      killTimeout: shape.killTimeoutS * SECOND,
      resources: mockResources({ cpu: over.lifecycle == null ? shape.cpu : 50 }),
      ...over,
    });
  return [
    task(MAIN_TASK, shape.image, { config: { image: shape.image, ports: portLabels(shape) } }),
    ...shape.hooks.map((hook) => {
      const sidecar = hook === "sidecar";
      const image = imageName(sidecar ? ImageKind.good : ImageKind.hook, 0);
      return task(hook, image, { lifecycle: { hook: sidecar ? "prestart" : hook, sidecar } });
    }),
  ];
}

function updateOf(shape: JobShape): UpdateStrategy {
  return {
    stagger: 30 * SECOND,
    maxParallel: shape.maxParallel,
    maxParallelPercent: shape.maxParallelPercent,
    maxSurge: shape.maxSurge,
    maxSurgePercent: 0,
    healthCheck: shape.healthCheck,
    minHealthyTime: shape.minHealthyS * SECOND,
    healthyDeadline: shape.healthyDeadlineS * SECOND,
    progressDeadline: shape.progressDeadlineS * SECOND,
    canary: shape.canary,
    autoRevert: shape.autoRevert,
    autoPromote: shape.autoPromote,
  };
}

function migrateOf(shape: JobShape): MigrateStrategy {
  return {
    maxParallel: 1,
    maxParallelPercent: 0,
    healthCheck: "checks",
    minHealthyTime: shape.minHealthyS * SECOND,
    healthyDeadline: shape.healthyDeadlineS * SECOND,
  };
}

function rescheduleOf({ reschedule }: JobShape): TaskGroup["reschedulePolicy"] {
  const unlimited = reschedule.attempts === 0;
  return {
    attempts: reschedule.attempts,
    interval: unlimited ? 0 : 600 * SECOND,
    delay: 5 * SECOND,
    delayFunction: reschedule.delayFunction,
    maxDelay: 20 * SECOND,
    unlimited,
  };
}

function serviceOf(name: string): Service {
  return mockService({ name, checks: [mockServiceCheck({ name: "alive", path: "/" })] });
}
