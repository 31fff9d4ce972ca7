/**
 * Real etcd servers on loopback, each cluster on addresses of its own in 127.0.0.0/8. Processes are
 * stopped by their id.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "./wait.ts";

/** The program; "" = there is none here. `make test` and `make bench` fetch it. */
export const ETCD = process.env.DROVER_TEST_ETCD ?? "";

/** Why a test that needs it cannot run; false = it can. */
export const lacksEtcd: string | false =
  ETCD === "" && "no etcd: run `node scripts/infra.ts up` and set DROVER_TEST_ETCD";

const CLIENT_PORT = 2379;
const PEER_PORT = 2380;
const START_MS = 30_000;
/** What one of our log entries may have, as text of base 64 (DESIGN §5). */
const REQUEST_BYTES = 16 << 20;

export interface EtcdOptions {
  readonly members: number;
  /** Of their data and their logs. */
  readonly dir: string;
  /** An election only when a member has been silent for so long; etcd's own 1 s when left out. */
  readonly electionMs?: number;
}

export interface EtcdMember {
  readonly name: string;
  readonly host: string;
  /** For clients. */
  readonly url: string;
  process: ChildProcess | null;
}

export class EtcdServers {
  readonly members: readonly EtcdMember[];
  readonly #options: EtcdOptions;

  private constructor(members: readonly EtcdMember[], options: EtcdOptions) {
    this.members = members;
    this.#options = options;
  }

  static async start(options: EtcdOptions): Promise<EtcdServers> {
    const net = `127.${10 + (process.pid % 200)}.${Math.floor(Math.random() * 250) + 1}`;
    const members = Array.from({ length: options.members }, (_, i): EtcdMember => {
      const host = `${net}.${101 + i}`;
      return { name: `e${i + 1}`, host, url: `http://${host}:${CLIENT_PORT}`, process: null };
    });
    mkdirSync(options.dir, { recursive: true });
    const servers = new EtcdServers(members, options);
    for (const member of members) servers.boot(member);
    try {
      await servers.healthy();
    } catch (error) {
      const logs = members.map((member) => servers.log(member)).join("\n");
      await servers.stop();
      throw new Error(`etcd did not come up:\n${logs}`, { cause: error });
    }
    return servers;
  }

  boot(member: EtcdMember): void {
    const out = createWriteStream(this.#logFile(member), { flags: "a" });
    const child = spawn(ETCD, this.#args(member), { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout?.pipe(out, { end: false });
    child.stderr?.pipe(out, { end: false });
    member.process = child;
  }

  /** Every member that runs sees a leader. */
  async healthy(): Promise<void> {
    for (const member of this.members) {
      if (member.process === null) continue;
      await waitUntil(
        async () => (await fetch(`${member.url}/health`)).json() as Promise<{ health: string }>,
        ({ health }) => health === "true",
        { timeoutMs: START_MS, what: `etcd's ${member.name} to be healthy` },
      );
    }
  }

  async leader(): Promise<EtcdMember> {
    return (await waitUntil(
      async () => {
        const alive = this.members.filter((member) => member.process !== null);
        const seen = await Promise.all(alive.map(statusOf));
        const own = seen.findIndex(({ leader, member }) => leader === member && leader !== "0");
        return seen.every(({ leader }) => leader === seen[own]?.leader) ? alive[own] : undefined;
      },
      (found) => found !== undefined,
      { timeoutMs: START_MS, what: "one leader that every etcd agrees on", everyMs: 5 },
    )) as EtcdMember;
  }

  log(member: EtcdMember): string {
    return readFileSync(this.#logFile(member), "utf8");
  }

  /** SIGKILL, and the wait until it is gone. */
  async kill(member: EtcdMember): Promise<void> {
    const child = member.process;
    member.process = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => this.kill(member)));
  }

  #logFile(member: EtcdMember): string {
    return join(this.#options.dir, `${member.name}.log`);
  }

  #args({ name, host, url }: EtcdMember): string[] {
    const peer = `http://${host}:${PEER_PORT}`;
    const peers = this.members.map((each) => `${each.name}=http://${each.host}:${PEER_PORT}`);
    const { dir, electionMs } = this.#options;
    return [
      ...["--name", name, "--data-dir", join(dir, name), "--logger", "zap", "--log-level", "warn"],
      ...["--listen-client-urls", url, "--advertise-client-urls", url],
      ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
      ...["--initial-cluster", peers.join(), "--initial-cluster-token", "drover-test"],
      ...["--max-request-bytes", String(REQUEST_BYTES)],
      ...(electionMs === undefined
        ? []
        : ["--election-timeout", `${electionMs}`, "--heartbeat-interval", `${electionMs / 10}`]),
    ];
  }
}

async function statusOf({ url }: EtcdMember): Promise<{ leader: string; member: string }> {
  const answer = await fetch(`${url}/v3/maintenance/status`, { method: "POST", body: "{}" });
  const { header, leader = "0" } = (await answer.json()) as {
    header: { member_id: string };
    leader?: string;
  };
  return { leader, member: header.member_id };
}
