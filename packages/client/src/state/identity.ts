/**
 * A machine's own id and secret (DESIGN §8): minted with its data directory, never reused. Two
 * agents that share an id would steal each other's tasks, so the id follows the directory only.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import { type ClientDisk, nodeDisk } from "./client-disk.ts";

export interface NodeIdentity {
  readonly nodeId: string;
  readonly secretId: string;
}

/** Reads the identity of an agent's data directory, or mints it. Throws when the file is damaged. */
export async function loadNodeIdentity(
  dataDir: string,
  disk: ClientDisk = nodeDisk,
): Promise<NodeIdentity> {
  const home = join(dataDir, "client");
  await disk.makeDirectory(home, 0o700);
  const path = join(home, "identity.json");
  const text = await disk.read(path);
  if (text !== null) return parseIdentity(path, text);
  const identity: NodeIdentity = {
    nodeId: randomUUID(),
    secretId: randomBytes(16)
      .toString("hex")
      .replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"),
  };
  await disk.write(path, JSON.stringify(identity));
  return identity;
}

function parseIdentity(path: string, text: string): NodeIdentity {
  const value = JSON.parse(text) as Partial<NodeIdentity>;
  if (typeof value.nodeId !== "string" || typeof value.secretId !== "string") {
    throw new Error(`${path}: no node id; restore the file or start with a new data directory`);
  }
  return { nodeId: value.nodeId, secretId: value.secretId };
}
