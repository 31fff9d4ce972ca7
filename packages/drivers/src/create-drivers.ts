/** The drivers an agent offers, by configuration. */
import { join } from "node:path";
import { DockerDriver } from "./docker/docker-driver.ts";
import { MockDriver } from "./mock/mock-driver.ts";
import { RawExecDriver } from "./raw-exec/raw-exec-driver.ts";
import type { TaskDriver } from "./task-driver.ts";

export interface CreateDriversOptions {
  /** Drivers keep what must survive the agent in directories of their own below it. */
  readonly stateDir: string;
  readonly docker?: {
    readonly enabled: boolean;
    /** See DockerDriverOptions. */
    readonly endpoint?: string;
  };
  /** No isolation at all: on only where the operator says so. */
  readonly rawExec?: {
    readonly enabled: boolean;
    /** See RawExecDriverOptions. */
    readonly executorCommand?: readonly string[];
  };
  readonly mock?: { readonly enabled: boolean };
  readonly onWarning?: (message: string, error: unknown) => void;
}

/** Docker unless turned off; the others only where turned on. */
export function createDrivers(options: CreateDriversOptions): TaskDriver[] {
  const drivers: TaskDriver[] = [];
  const { docker, rawExec, mock, onWarning, stateDir } = options;
  if (docker?.enabled !== false) {
    drivers.push(
      new DockerDriver({
        ...(docker?.endpoint === undefined ? {} : { endpoint: docker.endpoint }),
        ...(onWarning === undefined ? {} : { onWarning }),
      }),
    );
  }
  if (rawExec?.enabled === true) {
    const { executorCommand } = rawExec;
    drivers.push(
      new RawExecDriver({
        stateDir: join(stateDir, "raw_exec"),
        ...(executorCommand === undefined ? {} : { executorCommand }),
      }),
    );
  }
  if (mock?.enabled === true) drivers.push(new MockDriver());
  return drivers;
}
