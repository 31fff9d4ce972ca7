/** What a runner is given by its agent. */
import type { Clock, Random } from "@drover/base";
import type { ServiceDiscovery } from "@drover/discovery";
import type { TaskDriver } from "@drover/drivers";
import type { Node } from "@drover/model";
import type { PortHolders } from "../core/port-holders.ts";
import type { Log } from "../options.ts";
import type { AllocStore } from "../state/alloc-store.ts";
import type { ClientDisk } from "../state/client-disk.ts";

export interface RunnerOptions {
  readonly allocBase: string;
  readonly hostAddress: string;
  readonly maxKillTimeoutMs: number;
  readonly deregisterAckTimeoutMs: number;
  readonly consumerGraceMs: number;
}

export interface RunnerDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly store: AllocStore;
  readonly disk: ClientDisk;
  readonly ports: PortHolders;
  node(): Node;
  clusterId(): string;
  driver(name: string): TaskDriver | undefined;
  discovery(provider: string): ServiceDiscovery;
  /** The report changed and is on disk; not urgent = only lines of a task's history are new. */
  changed(allocId: string, urgent: boolean): void;
  /** Stopped after a tombstone, files included: the agent may drop the runner. */
  forgotten(allocId: string): void;
  /** A turn of changes begins or ends; always in pairs. */
  working(begins: boolean): void;
  /** All its tasks are dead and removed. */
  ended(allocId: string): void;
  imagesPresent(digests: Readonly<Record<string, string>>): void;
}
