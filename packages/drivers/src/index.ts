export { DockerDriver, type DockerDriverOptions } from "./docker/docker-driver.ts";
export {
  type DriverEventSink,
  type DriverFingerprint,
  type DriverNetwork,
  type ExecSession,
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
