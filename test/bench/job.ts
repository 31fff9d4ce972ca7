/** What every figure does with its job: follow its deployment to the end, and clean up. */
import type { DeploymentDoc, TestApi } from "../support/api.ts";
import type { TestCluster } from "../support/cluster.ts";
import { containersOf } from "../support/real-parts.ts";
import { waitUntil } from "../support/wait.ts";

/** Longer than any figure needs: what waits so long waits for what does not come. */
export const WAIT_MS = 600_000;

/** The first deployment made after `from` (epoch ms), once it has ended; by held queries. */
export async function endedDeployment(
  api: TestApi,
  job: string,
  from: number,
  version = 0,
): Promise<DeploymentDoc> {
  type Found = (DeploymentDoc & { readonly CreateTime: number }) | null;
  const hasEnded = (found: Found) => {
    const fresh = found !== null && found.CreateTime / 1e6 >= from - 1;
    return fresh && found.JobVersion >= version && found.Status !== "running";
  };
  const what = `the end of a deployment of ${job} that was made after ${new Date(from).toISOString()}`;
  const path = `/v1/job/${job}/deployment`;
  const found = await api.held<Found>(path, hasEnded, { timeoutMs: WAIT_MS, what });
  return found as DeploymentDoc;
}

export async function purge(cluster: TestCluster, job: string): Promise<void> {
  await cluster.alive[0]?.api.delete(`/v1/job/${job}?purge=true`);
  await waitUntil(
    async () => containersOf(await cluster.clusterId()),
    (left) => left.length === 0,
    { timeoutMs: 30_000, what: "no container left after the purge" },
  );
}
