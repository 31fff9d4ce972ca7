/**
 * Depth first through every world that can be reached, each explored once. A world on the path that
 * comes again would go round for ever: faults and operators are used up, so whatever the leader,
 * clients and time do must come to rest. The longest run in steps is the bound of termination.
 */
import { canonical } from "./canonical.ts";
import { unexplained, violation } from "./invariants.ts";
import { Broken } from "./leader-steps.ts";
import { FIRST, type Scope } from "./scope.ts";
import { otherSteps, ownSteps, type Step } from "./steps.ts";
import { type Digest, digest, ON_PATH, Visited } from "./visited.ts";
import { World } from "./world.ts";

export interface Explored {
  readonly states: number;
  readonly transitions: number;
  /** Worlds in which nothing goes on by itself. */
  readonly ends: number;
  /** Steps of the longest run. */
  readonly longest: number;
  /** Known worlds that were explored once more, to compare. */
  readonly audited: number;
  /** Whether the step was taken that the scope is there for. */
  readonly hasReached: boolean;
  readonly failure: Failure | null;
}

export interface Failure {
  readonly message: string;
  /** What happened since the first version was healthy. */
  readonly path: readonly string[];
}

export interface ExploreOptions {
  /** Of so many known worlds one is explored again; 0 = none. */
  readonly auditEvery?: number;
  readonly statesMax?: number;
}

/** Steps until the first version has succeeded; more would be a bug by itself. */
const SETTLE_MAX = 200;

interface Frame {
  readonly world: World;
  readonly key: Digest;
  readonly label: string;
  readonly steps: readonly Step[];
  readonly successors: Digest[];
  next: number;
  longest: number;
}

export function explore(scope: Scope, options: ExploreOptions = {}): Explored {
  return new Search(scope, options).run();
}

class Search {
  readonly #scope: Scope;
  readonly #auditEvery: number;
  readonly #statesMax: number;
  readonly #visited = new Visited();
  readonly #path: Frame[] = [];
  #transitions = 0;
  #ends = 0;
  #known = 0;
  #audited = 0;
  #deepest = 0;
  #hasReached: boolean;

  constructor(scope: Scope, { auditEvery = 0, statesMax }: ExploreOptions) {
    this.#scope = scope;
    this.#hasReached = scope.reaches === undefined;
    this.#auditEvery = auditEvery;
    this.#statesMax = statesMax ?? Number.POSITIVE_INFINITY;
  }

  run(): Explored {
    const failure = this.#guarded(() => this.#search(this.#settled()));
    return {
      states: this.#visited.size,
      transitions: this.#transitions,
      ends: this.#ends,
      longest: this.#deepest,
      audited: this.#audited,
      hasReached: this.#hasReached,
      failure,
    };
  }

  #guarded(search: () => Failure | null): Failure | null {
    try {
      return search();
    } catch (error) {
      if (error instanceof Broken) return this.#fail(error.message);
      throw error;
    }
  }

  /** Version 0 runs, is healthy and stable. */
  #settled(): World {
    let world = World.empty({ ...this.#scope, interleaves: "entries", bad: [] }).submit(FIRST);
    for (let taken = 0; taken < SETTLE_MAX; taken++) {
      const [step] = ownSteps(world);
      if (step === undefined) return world.in(this.#scope);
      world = step.take();
      const broken = violation(world);
      if (broken !== "") throw new Broken(broken);
    }
    throw new Broken("I4: the first version does not come to rest");
  }

  #search(start: World): Failure | null {
    const message = this.#enter(start, keyOf(start), "start");
    if (message !== "") return this.#fail(message);
    for (let frame = this.#path.at(-1); frame !== undefined; frame = this.#path.at(-1)) {
      const step = frame.steps[frame.next];
      if (step === undefined) {
        this.#leave(frame);
        continue;
      }
      frame.next += 1;
      this.#hasReached ||= step.label.includes(this.#scope.reaches ?? "");
      this.#transitions += 1;
      const problem = this.#take(frame, step);
      if (problem !== "") return this.#fail(problem, step.label);
    }
    return null;
  }

  #take(frame: Frame, step: Step): string {
    const world = step.take();
    const key = keyOf(world);
    frame.successors.push(key);
    const broken = violation(world);
    if (broken !== "") return broken;
    const known = this.#visited.longest(key);
    if (known === undefined) {
      if (this.#visited.size >= this.#statesMax) return `more than ${this.#statesMax} worlds`;
      return this.#enter(world, key, step.label);
    }
    if (known === ON_PATH) return "I4: it goes round in a circle";
    frame.longest = Math.max(frame.longest, known + 1);
    return this.#audit(world, key);
  }

  #enter(world: World, key: Digest, label: string): string {
    const own = ownSteps(world);
    if (own.length === 0) {
      this.#ends += 1;
      const silent = unexplained(world);
      if (silent !== "") return silent;
    }
    this.#visited.enter(key);
    const steps = [...own, ...otherSteps(world)];
    this.#path.push({ world, key, label, steps, successors: [], next: 0, longest: 0 });
    return "";
  }

  #leave(frame: Frame): void {
    this.#path.pop();
    this.#visited.leave(frame.key, frame.longest, digestOf(frame.successors));
    this.#deepest = Math.max(this.#deepest, frame.longest);
    const parent = this.#path.at(-1);
    if (parent) parent.longest = Math.max(parent.longest, frame.longest + 1);
  }

  /** Two worlds that count as one must have the same successors. */
  #audit(world: World, key: Digest): string {
    this.#known += 1;
    if (this.#auditEvery === 0 || this.#known % this.#auditEvery !== 0) return "";
    this.#audited += 1;
    const steps = [...ownSteps(world), ...otherSteps(world)];
    const found = steps.map(({ take }) => keyOf(take()));
    if (this.#visited.hasSuccessors(key, digestOf(found))) return "";
    return "two worlds of equal form have different futures: canonical.ts leaves something out";
  }

  #fail(message: string, last?: string): Failure {
    const labels = this.#path.map(({ label }) => label).slice(1);
    return { message, path: last === undefined ? labels : [...labels, last] };
  }
}

function digestOf(keys: readonly Digest[]): Digest {
  return digest(keys.toSorted().join(""));
}

function keyOf(world: World): Digest {
  return digest(canonical(world));
}
