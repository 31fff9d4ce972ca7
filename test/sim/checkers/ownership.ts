/**
 * I9: a field of an allocation changes only by its owner, as the model declares it. The exceptions
 * are named here, each with its reason.
 */
import { type Allocation, allocationSchema } from "@drover/model";
import { CommandTag } from "@drover/state";
import { type AppliedEntry, type ClusterChecker, expect } from "./checker.ts";

type Owner = NonNullable<(typeof allocationSchema.fields.clientStatus)["options"]["owner"]>;

/** Who speaks by a command; what is not listed speaks for the servers alone. */
const SPEAKERS: Readonly<Partial<Record<number, readonly Owner[]>>> = {
  [CommandTag.planApply]: ["scheduler"],
  [CommandTag.allocClientUpdate]: ["client"],
  [CommandTag.allocDesiredTransition]: ["deployment"],
  // One that is called off takes back what it had marked.
  [CommandTag.nodeDrain]: ["deployment"],
  [CommandTag.deploymentStatus]: ["deployment"],
  [CommandTag.deploymentPromote]: ["deployment"],
  [CommandTag.deploymentAllocHealth]: ["deployment"],
};

interface Write {
  readonly tag: number;
  readonly was: Allocation;
  readonly is: Allocation;
}

const EXCEPTIONS: Readonly<Partial<Record<keyof Allocation, (write: Write) => boolean>>> = {
  // Of a node that is silent nobody but the servers can speak (chapter 3.10).
  clientStatus: ({ tag, is }) =>
    tag === CommandTag.planApply && ["lost", "unknown"].includes(is.clientStatus),
  clientDescription: ({ tag }) => tag === CommandTag.planApply,
  /*
   * The verdict is the client's. Whether it is a canary is the scheduler's and the promotion's;
   * another deployment begins without a verdict; and an operator may give one by hand.
   */
  deploymentStatus: ({ tag, was, is }) =>
    (tag === CommandTag.planApply && was.deploymentId !== is.deploymentId) ||
    tag === CommandTag.deploymentAllocHealth ||
    was.deploymentStatus?.healthy === is.deploymentStatus?.healthy,
};

export class Ownership implements ClusterChecker {
  readonly name = "ownership (I9)";

  applied({ command, before, after }: AppliedEntry): void {
    for (const is of after.allocs()) {
      const was = before.alloc(is.id);
      if (was !== undefined && was !== is) this.#check({ tag: command.tag, was, is });
    }
  }

  #check(write: Write): void {
    const { tag, was, is } = write;
    const speakers = SPEAKERS[tag] ?? [];
    for (const key of Object.keys(is) as (keyof Allocation)[]) {
      if (is[key] === was[key] || JSON.stringify(is[key]) === JSON.stringify(was[key])) continue;
      const owner = allocationSchema.fields[key]?.options.owner;
      if (owner === "server" || (owner !== undefined && speakers.includes(owner))) continue;
      expect(EXCEPTIONS[key]?.(write) === true, this, () => {
        const change = `${JSON.stringify(was[key])} to ${JSON.stringify(is[key])}`;
        return `command ${tag} changes ${key} of ${is.id} from ${change}; it is ${owner}'s`;
      });
    }
  }
}
