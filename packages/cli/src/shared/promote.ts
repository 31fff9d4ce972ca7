import type { FlagSpec, Flags } from "../command.ts";

export const GROUP_FLAG: FlagSpec = {
  name: "group",
  kind: "list",
  help: "Promote only this group; may be repeated.",
};

/** All groups, unless some were named. */
export function promoteBody(deploymentId: string, flags: Flags): Record<string, unknown> {
  const groups = flags.list("group");
  return {
    DeploymentID: deploymentId,
    All: groups.length === 0,
    Groups: groups.length === 0 ? null : groups,
    PromotedAt: 0,
    Region: "",
    Namespace: "",
    SecretID: "",
  };
}
