/** Membership churn: what an operator or a controller asks of the leader, wise or not. */
import type { MembershipChange } from "../core/options.ts";
import type { ConfState } from "../core/types.ts";
import type { FaultKind } from "./scenario.ts";
import type { World } from "./world.ts";

type ChurnKind = Extract<
  FaultKind,
  "addMember" | "removeMember" | "replaceMember" | "demoteMember"
>;

/** False: no leader, no room, or it refused. */
export function changeMembers(world: World, kind: ChurnKind, membersMax: number): boolean {
  const leader = world.leader();
  if (leader === null) return false;
  const change = planChurn(world, kind, leader.view.conf, membersMax);
  return change !== null && leader.member.change(change);
}

function planChurn(
  world: World,
  kind: ChurnKind,
  conf: ConfState,
  membersMax: number,
): MembershipChange | null {
  const { random } = world;
  const { voters, learners } = conf;
  switch (kind) {
    case "addMember": {
      const learner = learners[0];
      if (learner !== undefined && random.chance(0.6)) {
        return { addVoters: [{ id: learner, address: conf.addresses[learner] ?? "" }] };
      }
      if (world.members.size >= membersMax) return null;
      const added = world.addMember();
      return random.chance(0.5) ? { addVoters: [added] } : { addLearners: [added] };
    }
    case "removeMember":
      if (voters.length <= 1) return null;
      return { remove: [random.pick([...voters, ...learners])] };
    case "replaceMember":
      if (world.members.size >= membersMax) return null;
      return { addVoters: [world.addMember()], remove: [random.pick(voters)] };
    case "demoteMember": {
      if (voters.length <= 2) return null;
      const id = random.pick(voters);
      return { addLearners: [{ id, address: conf.addresses[id] ?? "" }] };
    }
  }
}
