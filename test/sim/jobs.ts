/** The jobs of the workload: what a user would write, with times short enough for a run. */
import { SECOND } from "@drover/base";
import {
  type Job,
  type MigrateStrategy,
  type Service,
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
import type { SimRandom } from "@raft/node-raft/sim";

export interface JobShape {
  readonly id: string;
  readonly type: "service" | "batch" | "system";
  readonly count: number;
  readonly image: string;
  /** Changing it is an in-place update. */
  readonly killTimeoutS: number;
  readonly maxParallel: number;
  /** Of the count, instead of `maxParallel`; 0 = not used. */
  readonly maxParallelPercent: number;
  readonly maxSurge: number;
  readonly minHealthyS: number;
  readonly healthyDeadlineS: number;
  readonly progressDeadlineS: number;
  readonly canary: number;
  readonly autoRevert: boolean;
  readonly autoPromote: boolean;
  readonly restarts: number;
  readonly withService: boolean;
  readonly cpu: number;
}

export function randomShape(
  random: SimRandom,
  id: string,
  type: JobShape["type"],
  image: string,
): JobShape {
  const count = 1 + random.int(6);
  const healthyDeadlineS = random.pick([15, 25, 40]);
  const canary = type === "service" ? random.pick([0, 0, 0, 1, 1, 2, count]) : 0;
  return {
    id,
    type,
    count,
    image,
    killTimeoutS: random.pick([2, 5]),
    maxParallel: random.pick([1, 1, 2, 3, 6]),
    maxParallelPercent: random.pick([0, 0, 0, 40]),
    maxSurge: random.pick([0, 0, 0, 1, 2]),
    minHealthyS: random.pick([0, 1, 3, 8]),
    healthyDeadlineS,
    progressDeadlineS: random.pick([0, healthyDeadlineS + 10, healthyDeadlineS + 30]),
    canary,
    autoRevert: random.chance(0.5),
    autoPromote: canary > 0 && random.chance(0.6),
    restarts: random.pick([0, 1, 2]),
    withService: type === "service" && random.chance(0.8),
    cpu: random.pick([100, 300, 600]),
  };
}

export function jobOf(shape: JobShape): Job {
  const service = shape.type === "service";
  const group = mockTaskGroup({
    name: "web",
    count: shape.type === "system" ? 1 : shape.count,
    update: service ? updateOf(shape) : null,
    migrate: service ? migrateOf(shape) : null,
    restartPolicy: {
      attempts: shape.restarts,
      interval: 60 * SECOND,
      delay: 2 * SECOND,
      mode: "fail",
      renderTemplates: false,
    },
    reschedulePolicy: shape.type === "system" ? null : rescheduleOf(shape.type),
    ephemeralDisk: { sticky: false, migrate: false, sizeMb: 150 },
    networks: service ? [NETWORK] : [],
    services: shape.withService ? [serviceOf(shape.id)] : [],
    tasks: [
      mockTask({
        name: "main",
        driver: "docker",
        config: { image: shape.image },
        killTimeout: shape.killTimeoutS * SECOND,
        resources: mockResources({ cpu: shape.cpu }),
      }),
    ],
  });
  const taskGroups = [withCount(group, group.count)];
  return mockJob({ id: shape.id, type: shape.type, taskGroups });
}

function updateOf(shape: JobShape): UpdateStrategy {
  return {
    stagger: 30 * SECOND,
    maxParallel: shape.maxParallel,
    maxParallelPercent: shape.maxParallelPercent,
    maxSurge: shape.maxSurge,
    maxSurgePercent: 0,
    healthCheck: "checks",
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

function rescheduleOf(type: JobShape["type"]): TaskGroup["reschedulePolicy"] {
  const batch = type === "batch";
  return {
    attempts: batch ? 3 : 0,
    interval: batch ? 600 * SECOND : 0,
    delay: 5 * SECOND,
    delayFunction: "constant",
    maxDelay: batch ? 0 : 30 * SECOND,
    unlimited: !batch,
  };
}

const NETWORK: TaskGroup["networks"][number] = {
  mode: "",
  device: "",
  cidr: "",
  ip: "",
  hostname: "",
  mBits: 0,
  dns: null,
  reservedPorts: [],
  dynamicPorts: [
    { label: "http", value: 0, to: 0, hostNetwork: "default", ignoreCollision: false },
  ],
  cni: null,
};

function serviceOf(name: string): Service {
  return mockService({ name, checks: [mockServiceCheck({ name: "alive", path: "/" })] });
}
