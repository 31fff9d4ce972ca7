export { type CreateDriversOptions, createDrivers } from "./create-drivers.ts";
export { DockerDriver, type DockerDriverOptions } from "./docker/docker-driver.ts";
export { MockDriver } from "./mock/mock-driver.ts";
export { runExecutor } from "./raw-exec/executor.ts";
export { RawExecDriver, type RawExecDriverOptions } from "./raw-exec/raw-exec-driver.ts";
export {
  type DriverEventSink,
  type DriverFingerprint,
  type DriverNetwork,
  type ExecSession,
  type FetchRequest,
  type PortMapping,
  type PreparedTask,
  type TaskDriver,
  type TaskExit,
  type TaskHandle,
  type TaskIdentity,
  TaskStartError,
  type TaskStartRequest,
  type TaskStats,
} from "./task-driver.ts";
