/** Which machine answers for an allocation or a node (DESIGN §3). */
import { ApiError, badRequest, notFound } from "@drover/api";
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

export interface OwnerParts {
  readonly client: () => ClientAgent | null;
  /** Resolves when this agent's client, if it has one, is open: until then it owns nothing. */
  readonly clientOpen: Promise<void>;
  readonly server: () => Server | null;
}

/** Throws 404 for what nobody owns, though everything acknowledged before has been looked at. */
export async function findOwner(named: Named, parts: OwnerParts): Promise<Owner> {
  await parts.clientOpen;
  try {
    return ownerOf(named, parts.client(), parts.server());
  } catch (error) {
    const server = parts.server();
    if (!(error instanceof ApiError) || server === null) throw error;
    await server.barrier();
    return ownerOf(named, parts.client(), server);
  }
}

function ownerOf(named: Named, client: ClientAgent | null, server: Server | null): Owner {
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
