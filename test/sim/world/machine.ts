/** A client machine: the real agent over a simulated engine, catalog, disk and wire. */
import { CLIENT_DEFAULTS, type ClientAgent, RpcServerLink, startClient } from "@drover/client";
import { Router } from "@drover/wire";
import type { SimRandom } from "@raft/node-raft/sim";
import { SimClientDisk } from "./client-disk.ts";
import type { Cluster } from "./cluster.ts";
import { SimDiscovery } from "./discovery.ts";
import { SimDriver } from "./driver.ts";
import { SimEngine } from "./engine.ts";
import { LabelledRandom, SimProcess } from "./process.ts";

const DATA_DIR = "/drover";

export class Machine {
  readonly host: string;
  readonly nodeId: string;
  readonly engine: SimEngine;
  readonly #cluster: Cluster;
  readonly #random: SimRandom;
  readonly #disk: SimClientDisk;
  readonly #number: number;
  #process: SimProcess | null = null;
  #agent: ClientAgent | null = null;
  #reconnect: () => void = () => undefined;
  /** False: without power. */
  powered = true;

  constructor(number: number, cluster: Cluster) {
    this.#number = number;
    this.#cluster = cluster;
    this.host = `c${number}`;
    this.nodeId = `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
    this.#random = cluster.raft.random.fork(this.host);
    this.#disk = new SimClientDisk(this.#random.fork("disk"));
    const secretId = `00000000-0000-4000-9000-${String(number).padStart(12, "0")}`;
    const identity = JSON.stringify({ nodeId: this.nodeId, secretId });
    this.#disk.put(`${DATA_DIR}/client/identity.json`, identity);
    this.engine = new SimEngine(
      { host: this.host, nodeId: this.nodeId },
      {
        time: cluster.raft.clock,
        random: this.#random.fork("engine"),
        watcher: cluster.truth,
      },
    );
  }

  get agent(): ClientAgent | null {
    return this.#agent;
  }

  get agentRuns(): boolean {
    return this.#process?.alive === true;
  }

  boot(): void {
    const cluster = this.#cluster;
    const process = new SimProcess(this.host, cluster.raft.clock, () => 0);
    this.#process = process;
    const log = (level: string, message: string, fields: object = {}) =>
      cluster.log(this.host, level, message, fields);
    const router = new Router((method, error) => {
      log("debug", "call failed", { method, error: String(error) });
    });
    const { clock } = process;
    const random = new LabelledRandom(this.#random.next());
    const link = new RpcServerLink({
      clock,
      random: random.fork("link"),
      log,
      router,
      dial: (address) => cluster.wire.dial(process, address, router),
      servers: () => cluster.addresses,
    });
    const driver = new SimDriver(this.engine, process, (image) => {
      cluster.trace.note("fetched ahead", this.host, image);
    });
    const discovery = new SimDiscovery(cluster.catalog, process, this.nodeId);
    const options = {
      ...CLIENT_DEFAULTS,
      name: this.host,
      dataDir: DATA_DIR,
      httpAddr: `${this.host}:4646`,
      rpcAddr: `${this.host}:4647`,
      hostAddress: `10.0.0.${this.#number}`,
      minDynamicPort: 20_000,
      maxDynamicPort: 20_040,
      totalCpuShares: cluster.cpuShares,
      totalMemoryMb: 4_096,
      consumerGraceMs: 500,
    };
    startClient(options, {
      clock,
      random,
      log,
      link,
      drivers: [driver],
      discoveries: [discovery],
      disk: this.#disk.open(process),
    }).then(
      (agent) => {
        if (process.alive) this.#agent = agent;
      },
      (error: unknown) => {
        if (process.alive) cluster.fail(`${this.host} cannot start`, error);
      },
    );
  }

  /** `kill -9` of the agent: containers go on. */
  crashAgent(): void {
    this.#process?.end();
    this.#process = null;
    this.#agent = null;
  }

  pauseAgent(): void {
    this.#process?.pause();
  }

  resumeAgent(): void {
    this.#process?.resume();
  }

  /** Nobody is told: its connections fall silent. */
  losePower(options: { readonly diskToo: boolean }): void {
    this.powered = false;
    this.#reconnect = this.#cluster.isolate(this.host);
    this.crashAgent();
    this.engine.powerLoss();
    if (options.diskToo) {
      this.#disk.forgetAllocs();
      this.engine.containers.clear();
      this.engine.images.clear();
    }
  }

  restorePower(): void {
    if (this.powered) return;
    this.powered = true;
    this.#reconnect();
    this.boot();
  }
}
