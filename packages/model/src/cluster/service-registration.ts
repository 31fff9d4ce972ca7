/** A service instance registered with the built-in provider (spec chapter 1 §1.15). */
import { type Infer, int, list, record, string } from "../schema/field.ts";

export const serviceRegistrationSchema = record("ServiceRegistration", {
  id: string({ wire: "ID" }),
  serviceName: string(),
  namespace: string(),
  nodeId: string({ wire: "NodeID" }),
  datacenter: string(),
  jobId: string({ wire: "JobID" }),
  allocId: string({ wire: "AllocID" }),
  tags: list(string()),
  address: string(),
  port: int(),
  createIndex: int({ owner: "server" }),
  modifyIndex: int({ owner: "server" }),
});
export type ServiceRegistration = Infer<typeof serviceRegistrationSchema>;
