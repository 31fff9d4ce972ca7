/** The small worlds that are explored: all but the last list with every test, all in long runs. */
import type { FaultKind, Operation, Scope } from "./scope.ts";

const ALL: readonly FaultKind[] = ["unhealthy", "exit", "nodeDown", "slow", "leaderLost"];
const one: Operation = { kind: "submit", image: "1" };
const two: Operation = { kind: "submit", image: "2" };
const back: Operation = { kind: "submit", image: "0" };
const grown: Operation = { kind: "submit", image: "1", count: 3 };
const shrunk: Operation = { kind: "submit", image: "1", count: 1 };
const stop: Operation = { kind: "stop" };
/** Other tasks in one group, the same in the other under a definition that differs in place. */
const oneOfTwo: Operation = { kind: "submit", image: "1", shutdownDelayS: 1, keeps: "api" };
const inPlace: Operation = { kind: "submit", image: "0", shutdownDelayS: 1 };
const oneAnew: Operation = { kind: "submit", image: "1", shutdownDelayS: 2 };
const drain: Operation = { kind: "drain", deadlineMs: 0 };
const drainUntil: Operation = { kind: "drain", deadlineMs: 60_000 };
const promote: Operation = { kind: "promote" };

const entries = { interleaves: "entries", faults: ALL, faultsMax: 1, script: [one] } as const;
const decisions = { ...entries, interleaves: "decisions" } as const;
const verifications = { ...entries, interleaves: "verifications" } as const;
const pair = { count: 2, maxParallel: 1 } as const;
const groups = { groups: ["web", "api"], count: 1, maxParallel: 1, autoRevert: true } as const;
const returning = { nodesReturn: true } as const;
const canary = { canary: 1, autoPromote: true, autoRevert: true } as const;

/** Entry by entry: nothing comes between a decision and the log. */
export const ENTRIES: readonly Scope[] = [
  { ...entries, ...pair, name: "two faults, revert", autoRevert: true, faultsMax: 2 },
  {
    ...entries,
    ...pair,
    name: "without a progress deadline",
    progressDeadlineS: 0,
    autoRevert: true,
    faultsMax: 2,
  },
  { ...entries, ...pair, name: "back in the middle", script: [one, back] },
  {
    ...entries,
    name: "one allocation, three versions",
    count: 1,
    maxParallel: 1,
    autoRevert: true,
    script: [one, two],
  },
  {
    ...entries,
    name: "three, one at a time, replaced",
    count: 3,
    maxParallel: 1,
    reschedules: true,
  },
  { ...entries, ...pair, name: "canary by hand", canary: 1, script: [one, promote] },
  { ...entries, ...pair, name: "drain in the middle", script: [one, drain] },
  {
    ...entries,
    name: "a version that is bad",
    count: 3,
    maxParallel: 1,
    autoRevert: true,
    bad: ["1"],
  },
];

/** Entry by entry: nodes that return, several groups, changes in place, jobs that are stopped. */
export const MIXED: readonly Scope[] = [
  {
    ...entries,
    ...pair,
    ...returning,
    name: "nodes that return",
    autoRevert: true,
    reaches: "still runs",
  },
  {
    ...entries,
    ...pair,
    ...returning,
    name: "waited for",
    autoRevert: true,
    lostAfterS: 60,
    reaches: "is given up",
  },
  {
    ...entries,
    ...pair,
    ...returning,
    name: "waited for and replaced",
    reaches: "evaluate reconnect",
    lostAfterS: 60,
    reschedules: true,
  },
  {
    ...entries,
    ...pair,
    ...returning,
    name: "waited for, not replaced",
    driver: "docker",
    lostAfterS: 60,
    replacesUnseen: false,
  },
  { ...entries, ...groups, name: "two groups", script: [oneOfTwo], faultsMax: 2 },
  {
    ...entries,
    ...pair,
    name: "in place in the middle",
    script: [one, oneAnew],
    faults: ["exit", "nodeDown"],
  },
  { ...entries, ...pair, name: "in place, then other tasks", script: [inPlace, one] },
  { ...entries, ...pair, name: "stopped in the middle", autoRevert: true, script: [one, stop] },
  { ...entries, ...pair, name: "stopped and started", script: [stop, one], faults: ["nodeDown"] },
];

/** Anything may come between a decision and its entry, and a leader may be lost there. */
export const DECISIONS: readonly Scope[] = [
  { ...decisions, ...pair, name: "a fault, revert", autoRevert: true },
  { ...decisions, ...pair, name: "checks that flap", faults: ["flap", "leaderLost"], faultsMax: 2 },
  { ...decisions, name: "three, two at a time", count: 3, maxParallel: 2, faultsMax: 0 },
  { ...decisions, ...pair, name: "two versions", script: [one, two], faults: ["leaderLost"] },
  { ...decisions, ...pair, ...canary, name: "canary that promotes itself" },
  { ...decisions, ...pair, name: "make before break", driver: "docker" },
  {
    ...decisions,
    ...pair,
    name: "an image that does not come",
    driver: "docker",
    missing: ["1"],
    autoRevert: true,
  },
  { ...decisions, ...pair, name: "surge", maxSurge: 1, autoRevert: true },
  {
    ...decisions,
    ...pair,
    name: "drain before an update",
    script: [drain, one],
    faults: ["nodeDown", "leaderLost"],
  },
  {
    ...decisions,
    ...pair,
    name: "drain of images that must come first",
    driver: "docker",
    script: [one, drainUntil],
    faultsMax: 0,
  },
  {
    ...decisions,
    ...pair,
    name: "grown and shrunk",
    script: [grown, shrunk],
    faults: ["leaderLost"],
  },
  {
    ...verifications,
    ...pair,
    ...returning,
    name: "refused in part",
    faults: ["nodeDown", "leaderLost"],
    reaches: "plan the rest",
  },
  {
    ...verifications,
    ...pair,
    name: "refused for a drain",
    script: [one, drain],
    faultsMax: 0,
    reaches: "plan the rest",
  },
];

const three = { count: 3, autoRevert: true } as const;
const twice = { faultsMax: 2 } as const;
const early = { stopsEarly: true } as const;

/** The whole width: three allocations, two versions, three nodes, two faults. */
export const WIDE: readonly Scope[] = [
  { ...entries, ...three, ...twice, name: "three, one at a time, two faults", maxParallel: 1 },
  { ...entries, ...three, name: "three, two at a time, a fault", maxParallel: 2 },
  { ...entries, ...three, name: "three at a time, a fault", maxParallel: 3 },
  {
    ...entries,
    ...three,
    ...twice,
    ...early,
    name: "three, two at a time, two faults",
    maxParallel: 2,
  },
  { ...entries, ...three, ...twice, ...early, name: "three at a time, two faults", maxParallel: 3 },
  {
    ...entries,
    ...canary,
    ...twice,
    ...early,
    name: "three and a canary, two faults",
    count: 3,
    maxParallel: 1,
  },
  {
    ...decisions,
    ...three,
    ...twice,
    name: "three, two faults between decisions",
    maxParallel: 1,
  },
  { ...decisions, ...three, name: "three, two at a time, a fault between", maxParallel: 2 },
  {
    ...decisions,
    ...three,
    ...twice,
    ...early,
    name: "three, two at a time, two faults between",
    maxParallel: 2,
  },
  {
    ...decisions,
    ...three,
    ...twice,
    ...early,
    name: "three at a time, two faults between",
    maxParallel: 3,
  },
  { ...entries, ...pair, ...twice, name: "two versions, two faults", script: [one, two] },
  { ...decisions, ...pair, name: "two versions, any fault", script: [one, two], autoRevert: true },
  { ...decisions, ...pair, ...canary, ...twice, name: "canary, two faults" },
  { ...decisions, ...pair, name: "drain before an update, any fault", script: [drain, one] },
  {
    ...decisions,
    ...pair,
    name: "drain of images, any fault",
    driver: "docker",
    script: [one, drainUntil],
  },
  {
    ...entries,
    ...three,
    ...twice,
    ...returning,
    ...early,
    name: "three on nodes that return",
    maxParallel: 1,
  },
  {
    ...entries,
    ...pair,
    ...twice,
    ...returning,
    ...early,
    name: "waited for, two faults",
    autoRevert: true,
    lostAfterS: 60,
  },
  {
    ...entries,
    ...pair,
    ...twice,
    ...returning,
    ...early,
    name: "waited for, not replaced, two faults",
    driver: "docker",
    lostAfterS: 60,
    replacesUnseen: false,
  },
  {
    ...entries,
    ...groups,
    name: "two groups of two, any fault",
    count: 2,
    script: [oneOfTwo],
  },
  { ...entries, ...pair, ...twice, name: "in place, two faults", script: [one, oneAnew] },
  { ...entries, ...pair, ...twice, name: "stopped, two faults", script: [one, stop] },
  {
    ...verifications,
    ...pair,
    ...returning,
    name: "refused in part, any fault",
    script: [one, drain],
  },
];
