/** What every figure does with its job: follow its deployment to the end, and clean up. */
import type { DeploymentDoc, TestApi } from "../support/api.ts";
import type { TestCluster } from "../support/cluster.ts";
import { containersOf } from "../support/real-parts.ts";
import { waitUntil } from "../support/wait.ts";

/** The first deployment made after `from` (epoch ms), once it has ended; by held queries. */
export async function endedDeployment(
  api: TestApi,
  job: string,
  from: number,
  version = 0,
): Promise<DeploymentDoc> {
  let index = 0;
  for (;;) {
    const answer = await api.request("GET", `/v1/job/${job}/deployment?index=${index}&wait=5s`);
    const found = answer.json as (DeploymentDoc & { readonly CreateTime: number }) | null;
    const fresh = found !== null && found.CreateTime / 1e6 >= from - 1;
    if (fresh && found.JobVersion >= version && found.Status !== "running") return found;
    index = answer.index;
  }
}

export async function purge(cluster: TestCluster, job: string): Promise<void> {
  await cluster.alive[0]?.api.delete(`/v1/job/${job}?purge=true`);
  await waitUntil(
    async () => containersOf(await cluster.clusterId()),
    (left) => left.length === 0,
    { timeoutMs: 30_000, what: "no container left after the purge" },
  );
}
