/** `?choose=2|key`: some of the registrations of a service, the same ones for the same key. */
import { createHash } from "node:crypto";
import { badRequest } from "@drover/api";

/**
 * Rendezvous hashing: each item's rank follows from the key and its id alone, so one that comes or
 * goes moves no other consumer.
 */
export function choose<T extends { readonly id: string }>(
  items: readonly T[],
  parameter: string,
): readonly T[] {
  const [, count = "", key = ""] = /^([+-]?\d+)\|(.+)$/s.exec(parameter) ?? [];
  if (key === "") throw badRequest("Parameter must be in form '<number>|<key>'");
  const ranked = items.map((item) => ({ item, rank: rankOf(item.id, key) }));
  ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1));
  return ranked.slice(0, Math.max(0, Number(count))).map(({ item }) => item);
}

function rankOf(id: string, key: string): string {
  return createHash("sha256")
    .update(JSON.stringify([key, id]))
    .digest("hex");
}
