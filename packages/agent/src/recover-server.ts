/**
 * For an operator whose servers lost their quorum for good: what a stopped agent's data directory
 * holds, and how its server begins a cluster of one with it (docs/servers.md).
 */
import { join } from "node:path";
import { DroverError } from "@drover/base";
import {
  holdsMember,
  inspectMember,
  originalClusterId,
  RaftError,
  recoverCluster,
  type StoppedMember,
} from "@raft/node-raft";

export interface ServerOnDisk {
  readonly id: string;
  readonly address: string;
  readonly clusterId: string;
  readonly term: number;
  readonly commitIndex: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly voters: readonly string[];
  readonly standbys: readonly string[];
  readonly notes: readonly string[];
}

export interface RecoveredServer {
  readonly before: ServerOnDisk;
  /** host:port of the servers that must be wiped before they start again. */
  readonly left: readonly string[];
  readonly backupDir: string;
}

/** Throws when an agent runs there, when nothing is there, or when it is damaged. */
export function inspectServer(dataDir: string): ServerOnDisk {
  return translated(() => describe(inspectMember(raftDirOf(dataDir))));
}

/** The server votes alone from here on; the others join anew. `address` "" = the one it had. */
export function recoverServer(
  dataDir: string,
  address: string,
  options: { readonly despiteQuarantine?: boolean } = {},
): RecoveredServer {
  if (address !== "") checkAddress(address);
  return translated(() => {
    const dir = raftDirOf(dataDir);
    const member = inspectMember(dir);
    const own = address || (member.conf.addresses[member.memberId] ?? "");
    const recovery = recoverCluster(dir, [{ id: member.memberId, address: own }], options);
    const { before, left, backupDir } = recovery;
    return { before: describe(before), left: left.map((id) => named(before, id)), backupDir };
  });
}

/** Written into the log, it is what every server that joins will call at. */
function checkAddress(address: string): void {
  const port = /^(?:\[[0-9a-f:.]+\]|[^:/\s]+):([0-9]{1,5})$/i.exec(address)?.[1];
  if (port !== undefined && Number(port) >= 1 && Number(port) <= 65_535) return;
  throw new DroverError("bad-address", `"${address}" is not an address: HOST:PORT is expected`);
}

/** The agent's data directory; the server's own one inside it will do as well. */
function raftDirOf(dataDir: string): string {
  return holdsMember(dataDir) ? dataDir : join(dataDir, "raft");
}

function describe(member: StoppedMember): ServerOnDisk {
  const { memberId, conf } = member;
  return {
    id: memberId,
    address: conf.addresses[memberId] ?? "",
    clusterId: originalClusterId(member.clusterId),
    term: member.term,
    commitIndex: member.commit,
    lastIndex: member.lastIndex,
    lastTerm: member.lastTerm,
    voters: conf.voters.map((id) => named(member, id)),
    standbys: conf.learners.map((id) => named(member, id)),
    notes: member.notes,
  };
}

function named(member: StoppedMember, id: string): string {
  const address = member.conf.addresses[id] ?? "";
  return address === "" ? id : `${address} (${id})`;
}

function translated<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof RaftError)) throw error;
    throw new DroverError(`raft-${error.code}`, error.message, { cause: error });
  }
}
