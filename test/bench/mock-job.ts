/** A job of mock tasks that run and are healthy at once: what it costs is what Drover costs. */
export interface MockJob {
  readonly id: string;
  readonly count: number;
  /** Another number is another version, which replaces every allocation. */
  readonly version?: number;
  /** Without one there is no deployment. */
  readonly maxParallel?: number;
  /** Of each task. */
  readonly memoryMb?: number;
}

export function mockJob({ id, count, version = 0, maxParallel = 0, memoryMb = 10 }: MockJob) {
  const task = {
    Name: "t",
    Driver: "mock_driver",
    Config: { run_for: `${1000 + version}h` },
    Resources: { CPU: 1, MemoryMB: memoryMb },
    LogConfig: { MaxFiles: 1, MaxFileSizeMB: 1 },
  };
  const Update = {
    MaxParallel: maxParallel,
    HealthCheck: "task_states",
    MinHealthyTime: 0,
    HealthyDeadline: 60e9,
    ProgressDeadline: 120e9,
  };
  const EphemeralDisk = { SizeMB: 10 };
  const group = { Name: "g", Count: count, Tasks: [task], EphemeralDisk };
  const TaskGroups = [maxParallel === 0 ? group : { ...group, Update }];
  return { ID: id, Name: id, Type: "service", Datacenters: ["dc1"], TaskGroups };
}

/** Room for more small tasks than a small machine would offer by itself. */
export const ROOMY = `client {
  cpu_total_compute = 1000000
  memory_total_mb   = 1000000
}`;
