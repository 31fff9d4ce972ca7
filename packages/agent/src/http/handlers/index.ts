/** A handler for every endpoint; the type makes a missing one an error. */
import type { EndpointName } from "@drover/api";
import type { Handler } from "../handler.ts";
import { absentHandlers } from "./absent.ts";
import { agentLocals } from "./agent-locals.ts";
import { agentMonitor } from "./agent-monitor.ts";
import { allocationReads } from "./allocations.ts";
import { clusterWrites } from "./cluster-writes.ts";
import { eventStream } from "./event-stream.ts";
import { jobChildren } from "./job-children.ts";
import { jobStatuses } from "./job-statuses.ts";
import { jobWrites } from "./job-writes.ts";
import { jobReads } from "./jobs.ts";
import { nodeHandlers } from "./node-owned.ts";
import { nodeReads } from "./nodes.ts";
import { operatorLocals, operatorReads } from "./operator.ts";
import { scalingReads } from "./scaling.ts";
import { search } from "./search.ts";
import { searchFuzzy } from "./search-fuzzy.ts";
import { serviceReads } from "./services.ts";
import { taskFileHandlers } from "./task-files.ts";
import { validateHandler } from "./validate.ts";
import { whyReads } from "./why.ts";

/** null: a WebSocket endpoint, which upgrades instead. */
export function createHandlers(region: string): Readonly<Record<EndpointName, Handler | null>> {
  return {
    ...jobReads,
    ...scalingReads,
    ...jobWrites,
    ...jobChildren,
    ...allocationReads,
    ...nodeReads,
    ...nodeHandlers,
    ...taskFileHandlers,
    ...clusterWrites,
    ...serviceReads,
    ...operatorReads,
    ...operatorLocals,
    ...agentLocals,
    ...absentHandlers,
    ...whyReads,
    agentMonitor,
    jobStatuses,
    jobValidate: validateHandler(region),
    search,
    searchFuzzy,
    eventStream,
    clientAllocExec: null,
  };
}
