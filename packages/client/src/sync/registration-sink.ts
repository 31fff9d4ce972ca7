/** Sends built-in service registrations up the agent's link, for `BuiltinDiscovery`. */
import type { RegistrationSink } from "@drover/discovery";
import type { ServerLink } from "./server-link.ts";

export function registrationSink(
  link: Pick<ServerLink, "upsertServices" | "deleteServices">,
): RegistrationSink {
  // Deleting names the namespace, which only the registration carries.
  const namespaces = new Map<string, string>();
  return {
    async upsert(registrations) {
      for (const one of registrations) namespaces.set(one.id, one.namespace);
      await link.upsertServices(registrations);
    },
    async delete(ids) {
      const keys = ids.map((id) => ({ namespace: namespaces.get(id) ?? "default", id }));
      await link.deleteServices(keys);
      for (const id of ids) namespaces.delete(id);
    },
  };
}
