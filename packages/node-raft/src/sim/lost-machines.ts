/**
 * Machines whose disks are lost or damaged: they never come back under their ids. Another one is
 * taken in for each, as an operator would, and goes on being asked for until it is.
 */
import type { MemberId } from "../core/types.ts";
import type { SimMember } from "./member.ts";
import type { World } from "./world.ts";

const ASK_EVERY_MS = 40;
const BACK_MS = 60;
const VOTERS_MIN = 3;

/** One at a time, where enough are left. False: not now. */
export function loseMachine(world: World, victim: SimMember, how: "rot" | "wipe"): boolean {
  const { voters = [], votersOutgoing = [] } = world.leader()?.view.conf ?? {};
  if (voters.length < VOTERS_MIN || votersOutgoing.length > 0) return false;
  if (!voters.includes(victim.id) || countsOnLost(world)) return false;
  if (how === "rot" && victim.rot === undefined) return false;
  world.crash(victim);
  if (how === "wipe") {
    world.gone.add(victim.id);
    replace(world, victim.id);
    return true;
  }
  const isRotten = victim.rot?.((started) => {
    world.rotten.delete(victim.id);
    // What is damaged may have been nothing.
    if (started) return;
    world.trace.note("rot refused", victim.id);
    world.gone.add(victim.id);
    world.crash(victim);
    replace(world, victim.id);
  });
  if (isRotten) world.rotten.add(victim.id);
  world.clock.after(world.random.between(0, BACK_MS), () => {
    if (!victim.up && !world.gone.has(victim.id)) victim.boot();
  });
  return isRotten === true;
}

/** Somebody does not know yet that one has gone. */
function countsOnLost(world: World): boolean {
  if (world.rotten.size > 0) return true;
  return [...world.members.values()].some((member) => {
    const { voters = [], votersOutgoing = [] } = member.view()?.conf ?? {};
    return [...voters, ...votersOutgoing].some((id) => world.gone.has(id));
  });
}

function replace(world: World, lost: MemberId): void {
  const heir = world.addMember();
  const ask = (): void => {
    const leader = world.leader();
    const { voters = [], votersOutgoing = [] } = leader?.view.conf ?? {};
    const isDone = leader !== null && ![...voters, ...votersOutgoing].includes(lost);
    if (isDone) return;
    leader?.member.change({ addVoters: [heir], remove: [lost] });
    world.clock.after(ASK_EVERY_MS, ask);
  };
  ask();
}
