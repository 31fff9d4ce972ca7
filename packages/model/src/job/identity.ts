/** Workload identities of tasks and services (spec chapter 1 §1.3). */
import { bool, duration, type Infer, list, record, string } from "../schema/field.ts";

export const identitySchema = record(
  "Identity",
  {
    name: string({ plain: true, default: "" }),
    audience: list(string(), { hcl: "aud" }),
    changeMode: string({ plain: true, default: "" }),
    changeSignal: string({ plain: true, default: "" }),
    env: bool({ plain: true, default: false }),
    file: bool({ plain: true, default: false }),
    filepath: string({ plain: true, default: "" }),
    serviceName: string({ plain: true, default: "", hcl: "service_name" }),
    ttl: duration({ plain: true, wire: "TTL", default: 0 }),
    extraClaims: list(string()),
  },
  { typeName: "WorkloadIdentity" },
);
export type WorkloadIdentity = Infer<typeof identitySchema>;
