/** What a task asks of its node (spec chapter 1 §1.3). */
import { type Infer, int, list, nullable, object, record, string } from "../schema/field.ts";
import { affinitySchema, constraintSchema } from "./constraint.ts";
import { networkSchema } from "./network.ts";

export const deviceSchema = record(
  "Device",
  {
    name: string({ plain: true, form: "label" }),
    count: int({ default: 1 }),
    constraints: list(object(constraintSchema), { hcl: "constraint", form: "block" }),
    affinities: list(object(affinitySchema), { hcl: "affinity", form: "block" }),
  },
  { typeName: "RequestedDevice" },
);
export type RequestedDevice = Infer<typeof deviceSchema>;

export const numaSchema = record(
  "NUMA",
  {
    affinity: string({ plain: true, default: "none" }),
    devices: list(string()),
  },
  { typeName: "NUMAResource" },
);

export const resourcesSchema = record("Resources", {
  /** MHz shares. */
  cpu: int({ wire: "CPU", change: "destructive" }),
  cores: int({ default: 0, change: "destructive" }),
  memoryMb: int({ wire: "MemoryMB", hcl: "memory", default: 300, change: "destructive" }),
  memoryMaxMb: int({ wire: "MemoryMaxMB", hcl: "memory_max", default: 0, change: "destructive" }),
  diskMb: int({ wire: "DiskMB", hcl: "disk", default: 0 }),
  iops: int({ wire: "IOPS", default: 0 }),
  networks: list(object(networkSchema), { hcl: "network", form: "block", change: "destructive" }),
  devices: list(object(deviceSchema), { hcl: "device", form: "block", change: "destructive" }),
  numa: nullable(object(numaSchema, { wire: "NUMA", change: "destructive" })),
  secretsMb: int({ wire: "SecretsMB", hcl: "secrets", default: 0, change: "destructive" }),
});
export type Resources = Infer<typeof resourcesSchema>;
