/** Service registrations of the built-in provider (spec chapter 8 §8.9). */
import { serviceRegistrationToWire } from "@drover/model";
import { choose } from "../choose.ts";
import type { ReadHandler } from "../handler.ts";
import { listReply } from "../lists.ts";

const serviceList: ReadHandler = {
  kind: "read",
  tables: ["services"],
  run(context) {
    const byNamespace = new Map<string, Map<string, Set<string>>>();
    for (const service of context.snapshot.services()) {
      const { namespace } = context.query;
      if (namespace !== "*" && service.namespace !== namespace) continue;
      const names = byNamespace.get(service.namespace) ?? new Map<string, Set<string>>();
      const tags = names.get(service.serviceName) ?? new Set<string>();
      for (const tag of service.tags) tags.add(tag);
      names.set(service.serviceName, tags);
      byNamespace.set(service.namespace, names);
    }
    const json = [...byNamespace].map(([namespace, names]) => ({
      Namespace: namespace,
      Services: [...names].map(([name, tags]) => ({
        ServiceName: name,
        Tags: [...tags].sort(),
      })),
    }));
    return { json, index: Math.max(1, context.snapshot.tableIndex("services")) };
  },
};

const serviceRead: ReadHandler = {
  kind: "read",
  tables: ["services"],
  run: (context) => {
    const { all, namespace } = context.query;
    const named = [...context.snapshot.servicesByName(namespace, context.params.name ?? "")];
    const parameter = all.get("choose") ?? "";
    return listReply(context, {
      items: parameter === "" ? named : choose(named, parameter),
      index: Math.max(1, context.snapshot.tableIndex("services")),
      encode: serviceRegistrationToWire,
      token: (service) => `${service.namespace}.${service.id}`,
      byIndex: false,
    });
  },
};

export const serviceReads = { serviceList, serviceRead } as const;
