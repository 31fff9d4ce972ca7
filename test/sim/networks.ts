/** Ports that a group of the workload asks for: a dynamic one, and perhaps a static one. */
import type { TaskGroup } from "@drover/model";
import type { JobShape } from "./shapes.ts";

type Network = TaskGroup["networks"][number];

/** Those that its main task listens on. */
export function portLabels({ type, port }: JobShape): string[] {
  if (type !== "service") return [];
  return port === 0 ? ["http"] : ["http", "static"];
}

export function groupNetworks({ type, port }: JobShape): Network[] {
  if (type !== "service") return [];
  const at = (label: string, value: number) => {
    return { label, value, to: 0, hostNetwork: "default", ignoreCollision: false };
  };
  return [
    {
      mode: "",
      device: "",
      cidr: "",
      ip: "",
      hostname: "",
      mBits: 0,
      dns: null,
      reservedPorts: port === 0 ? [] : [at("static", port)],
      dynamicPorts: [at("http", 0)],
      cni: null,
    },
  ];
}
