/** What the clients did and saw, and what became of every command. */
import { readFileSync, writeFileSync } from "node:fs";
import { checkLinearizable, historiesOf } from "../sim/linearizability.ts";
import { type RegisterStep, registerStoreModel } from "../testing/register-store.ts";

export interface Issued {
  /** Where it was acknowledged; 0 = nobody knows what became of it. */
  index: number;
  happened: boolean;
}

/** What a member says it has applied. */
export interface Applied {
  readonly outcomes: readonly number[];
  readonly chain: number;
}

export class History {
  readonly steps: RegisterStep[] = [];
  readonly issued = new Map<number, Issued>();
  reads = 0;
  acknowledged = 0;
  unknown = 0;
  /** Nobody took it in time: it did not happen. */
  refused = 0;

  save(file: string): void {
    // Infinity becomes null.
    const lines = this.steps.map((step) => `${JSON.stringify(step)}\n`);
    writeFileSync(file, lines.join(""));
  }
}

export function loadSteps(file: string): RegisterStep[] {
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  return lines.map((line) => {
    const step = JSON.parse(line) as RegisterStep;
    return { ...step, completedAt: step.completedAt ?? Number.POSITIVE_INFINITY };
  });
}

/** null = there is one order that explains what all clients saw. */
export function wrongOrder(steps: readonly RegisterStep[]): string | null {
  return checkLinearizable(registerStoreModel, historiesOf(steps));
}

/** null = what was acknowledged has happened, once, where it was acknowledged; on all alike. */
export function wrongCommands(history: History, members: readonly Applied[]): string | null {
  for (const [i, { outcomes, chain }] of members.entries()) {
    const problem = wrongOutcomes(history, outcomes);
    if (problem !== null) return `member ${i}: ${problem}`;
    if (chain !== members[0]?.chain) return `member ${i} differs from member 0`;
  }
  return null;
}

function wrongOutcomes(history: History, outcomes: readonly number[]): string | null {
  const places = new Map<number, number>();
  for (const [place, outcome] of outcomes.entries()) {
    const serial = Math.abs(outcome);
    if (places.has(serial)) return `command ${serial} was applied twice`;
    if (!history.issued.has(serial)) return `command ${serial} is from nowhere`;
    places.set(serial, place);
  }
  const acknowledged = [...history.issued].filter(([, { index }]) => index > 0);
  acknowledged.sort(([, a], [, b]) => a.index - b.index);
  let last = -1;
  for (const [serial, { index, happened }] of acknowledged) {
    const place = places.get(serial);
    const what = `command ${serial}, acknowledged at ${index},`;
    if (place === undefined) return `${what} is lost`;
    if (place <= last) return `${what} is out of order`;
    if (happened !== (outcomes[place] ?? 0) > 0) return `${what} had another outcome`;
    last = place;
  }
  return null;
}
