export { runExecutor } from "@drover/drivers";
export { type AgentDeps, type RunningAgent, startAgent } from "./agent.ts";
export {
  type AgentConfig,
  type ConfigLayer,
  configProblems,
  defaultConfig,
  devConfig,
  mergeConfig,
} from "./config/config.ts";
export { type ParsedConfig, parseConfigFile } from "./config/parse-config.ts";
export { createLogger } from "./logging.ts";
export { takePriority } from "./priority.ts";
export { collectWhenQuiet } from "./quiet-collection.ts";
export { inspectServer, recoverServer, type ServerOnDisk } from "./recover-server.ts";
export { notifyReady, notifyStopping } from "./systemd.ts";
