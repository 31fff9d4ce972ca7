/**
 * Answers of commands, kept under their tokens for requests that are sent again after a lost answer
 * (DESIGN §3): a token that is known has its answer, and nothing is applied. Up to command version
 * 4 those of the last 10,000 tokens. From version 5 on all of the last minute too, at whatever rate
 * they come, and where the room for that is used up, a command is refused without being applied.
 */
import type { Command, CommandResult } from "../commands/command.ts";
import { CommandTag } from "../commands/command.ts";
import { RejectCode, rejected } from "../commands/result.ts";
import { paddedNumber } from "../store/keys.ts";
import type { Tx } from "../store/tx.ts";

/** Nobody sends a request again after as long as this; whoever does checks it against this. */
export const ANSWERS_KEPT_MS = 60_000;

/** However old: a user may have a token of their own, and try again by hand. */
const ANSWERS_MIN = 10_000;
/** More than 8,000 a second for a minute; 300 bytes each. */
const ANSWERS_MAX = 500_000;
/**
 * Of what lies between two entries so much counts, at the most: when a leader's clock is ahead of
 * the one before, replicated time leaps, and what was answered a moment ago is not old for that.
 */
const LEAP_MS_MAX = 1_000;
/** Time is stored in steps, not with each entry. */
const STEP_MS = 100;
/** By one entry: a burst is not let go in one go. */
const FORGOTTEN_MAX = 256;

const HERE = "";

/** A plan is known by its own id too: a new leader may propose it again under another token. */
function tokensOf(command: Command): readonly string[] {
  const tokens = command.token === "" ? [] : [command.token];
  return command.tag === CommandTag.planApply ? [...tokens, `plan:${command.plan.id}`] : tokens;
}

/** What the command was answered before; undefined: it is the first of its token. */
export function earlierAnswer(tx: Tx, command: Command): CommandResult | undefined {
  for (const token of tokensOf(command)) {
    const row = tx.get("tokens", token);
    if (row !== undefined) return row.result;
  }
  return undefined;
}

/** null: there is room to remember the answer. */
export function refusedForRoom(tx: Tx, command: Command): CommandResult | null {
  const tokens = tokensOf(command);
  if (tx.v < 5 || tokens.length === 0) return null;
  if (tx.size("tokens") + tokens.length <= ANSWERS_MAX) return null;
  moveTime(tx);
  forgetOld(tx);
  return rejected(tx, RejectCode.overloaded, "too many writes in a minute: try again later");
}

export function rememberAnswer(tx: Tx, command: Command, result: CommandResult): void {
  const tokens = tokensOf(command);
  const at = tx.v < 5 || tokens.length === 0 ? null : moveTime(tx);
  for (const [position, token] of tokens.entries()) {
    tx.put("tokens", token, at === null ? { token, result } : { token, result, at });
    tx.put("tokenOrder", `${paddedNumber(tx.index)}.${position}`, token);
  }
  if (at !== null) forgetOld(tx);
  else if (tx.v < 5) while (tx.size("tokens") > ANSWERS_MIN) forgetOldest(tx);
}

/** Milliseconds that have passed at the least since answers have been kept by time. */
function moveTime(tx: Tx): number {
  const last = tx.get("answerTime", HERE);
  const passed = last === undefined ? 0 : tx.now - last.now;
  if (last !== undefined && passed < STEP_MS) return last.at;
  const at = (last?.at ?? 0) + Math.min(passed, LEAP_MS_MAX);
  tx.put("answerTime", HERE, { at, now: tx.now });
  return at;
}

function forgetOld(tx: Tx): void {
  const now = tx.get("answerTime", HERE)?.at ?? 0;
  for (let left = FORGOTTEN_MAX; left > 0 && tx.size("tokens") > ANSWERS_MIN; left--) {
    const token = tx.first("tokenOrder")?.[1];
    const row = token === undefined ? undefined : tx.get("tokens", token);
    // What an older version remembered counts from when the newer one began.
    if ((row?.at ?? 0) + ANSWERS_KEPT_MS >= now) return;
    forgetOldest(tx);
  }
}

function forgetOldest(tx: Tx): void {
  const oldest = tx.first("tokenOrder");
  if (oldest === undefined) throw new Error("every token has its place in the order");
  tx.remove("tokenOrder", oldest[0]);
  tx.remove("tokens", oldest[1]);
}
