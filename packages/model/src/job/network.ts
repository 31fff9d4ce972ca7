/** Networks and ports that a group asks for (spec chapter 1 §1.7). */
import {
  bool,
  type Infer,
  int,
  list,
  map,
  nullable,
  object,
  record,
  string,
} from "../schema/field.ts";

export const portSchema = record("Port", {
  label: string({ plain: true, form: "label", change: "destructive" }),
  /** Static port in a job; the assigned one in an allocation; 0 = none yet. */
  value: int({
    plain: true,
    hcl: "static",
    default: 0,
    omitEmpty: true,
    change: "destructive",
  }),
  to: int({ plain: true, default: 0, omitEmpty: true, change: "destructive" }),
  hostNetwork: string({
    plain: true,
    default: "default",
    omitEmpty: true,
    change: "destructive",
  }),
  ignoreCollision: bool({ plain: true, default: false, omitEmpty: true }),
});
export type Port = Infer<typeof portSchema>;

export const dnsSchema = record(
  "DNS",
  {
    servers: list(string()),
    searches: list(string()),
    options: list(string()),
  },
  { typeName: "DNSConfig" },
);

export const cniSchema = record(
  "CNI",
  {
    args: map(string(), { form: "attribute" }),
  },
  { typeName: "CNIConfig" },
);

export const networkSchema = record(
  "Network",
  {
    mode: string({ plain: true, default: "", omitEmpty: true, change: "destructive" }),
    device: string({ plain: true, default: "", omitEmpty: true, hcl: "device", diff: false }),
    cidr: string({
      plain: true,
      wire: "CIDR",
      default: "",
      omitEmpty: true,
      hcl: "cidr",
      diff: false,
    }),
    ip: string({ plain: true, wire: "IP", default: "", omitEmpty: true, diff: false }),
    hostname: string({ plain: true, default: "", omitEmpty: true, change: "destructive" }),
    mBits: int({ hcl: "mbits", default: 0, omitEmpty: true, change: "destructive", diff: false }),
    dns: nullable(object(dnsSchema, { wire: "DNS", omitEmpty: true, change: "destructive" })),
    reservedPorts: list(object(portSchema), { hcl: null, omitEmpty: true, change: "destructive" }),
    dynamicPorts: list(object(portSchema), { hcl: null, omitEmpty: true, change: "destructive" }),
    cni: nullable(object(cniSchema, { wire: "CNI", omitEmpty: true, change: "destructive" })),
  },
  { typeName: "NetworkResource" },
);
export type Network = Infer<typeof networkSchema>;
