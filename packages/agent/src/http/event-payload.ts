/** The payload of an event: its resource under the name of its topic (spec chapter 8 §8.10). */
import {
  type Allocation,
  allocToWire,
  type Deployment,
  deploymentToWire,
  type Evaluation,
  evalToWire,
  type Job,
  jobToWire,
  type Node,
  type NodePool,
  nodePoolToWire,
  nodeToWire,
  type ServiceRegistration,
  serviceRegistrationToWire,
} from "@drover/model";
import type { StateEvent } from "@drover/state";

export function eventPayloadToWire(event: StateEvent): Record<string, unknown> {
  switch (event.topic) {
    case "Job":
      return { Job: jobToWire(event.payload as Job) };
    case "Evaluation":
      return { Evaluation: evalToWire(event.payload as Evaluation) };
    case "Allocation":
      return { Allocation: allocToWire(event.payload as Allocation, null) };
    case "Deployment":
      return { Deployment: deploymentToWire(event.payload as Deployment) };
    case "Node":
      return { Node: nodeToWire(event.payload as Node) };
    case "NodePool":
      return { NodePool: nodePoolToWire(event.payload as NodePool) };
    case "Service":
      return { Service: serviceRegistrationToWire(event.payload as ServiceRegistration) };
  }
}
