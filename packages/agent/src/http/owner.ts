/** Which machine answers for an allocation or a node (DESIGN §3). */
import { badRequest, notFound } from "@drover/api";
import type { ClientAgent } from "@drover/client";
import type { Server } from "@drover/server";

export type Owner =
  | { readonly kind: "here"; readonly client: ClientAgent }
  | { readonly kind: "node"; readonly address: string }
  /** A machine outside Raft does not know; a server does. */
  | { readonly kind: "servers" };

/** What a request names: an allocation, a node, or neither, which is this very machine. */
export interface Named {
  readonly allocId?: string;
  readonly nodeId?: string;
}

/** Throws 404 for what nobody owns. */
export function findOwner(
  named: Named,
  parts: { readonly client: ClientAgent | null; readonly server: Server | null },
): Owner {
  const { client, server } = parts;
  const allocId = named.allocId ?? "";
  if (client && allocId !== "" && client.allocIds.includes(allocId)) {
    return { kind: "here", client };
  }
  const found = allocId === "" ? undefined : server?.snapshot().alloc(allocId)?.nodeId;
  const nodeId = named.nodeId || (found ?? "");
  if (client && (nodeId === client.nodeId || (nodeId === "" && allocId === ""))) {
    return { kind: "here", client };
  }
  if (!server) return { kind: "servers" };
  if (nodeId === "" && allocId !== "") throw notFound(`Unknown allocation "${allocId}"`);
  if (nodeId === "") throw badRequest("this agent runs no client: name a node by `node_id`");
  const address = server.snapshot().node(nodeId)?.rpcAddr ?? "";
  if (address === "") throw notFound(`Unknown node ${nodeId}`);
  return { kind: "node", address };
}
