/** Workload identities of tasks and services (spec chapter 1 §1.3). */
import { bool, duration, type Infer, list, map, record, string } from "../schema/field.ts";

export const identitySchema = record("Identity", {
  name: string({ default: "" }),
  audience: list(string(), { hcl: "aud" }),
  changeMode: string({ default: "" }),
  changeSignal: string({ default: "" }),
  env: bool({ default: false }),
  file: bool({ default: false }),
  filepath: string({ default: "" }),
  serviceName: string({ default: "", hcl: "service_name" }),
  ttl: duration({ wire: "TTL", default: 0 }),
  extraClaims: map(string()),
});
export type WorkloadIdentity = Infer<typeof identitySchema>;
