/**
 * What the operating system knows of processes. A process id alone names nothing for long; with
 * the time the process started it does, also over a reboot.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

const HAS_PROC = existsSync("/proc/self/stat");
const CLOCK_TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

/** Positions in /proc/PID/stat, counted behind the name in parentheses. */
const STATE = 0;
const SESSION = 3;
const USER_TICKS = 11;
const SYSTEM_TICKS = 12;
const START_TICKS = 19;
const RSS_PAGES = 21;

/** Tells this process from any other that had or will have its id; "" when there is none. */
export function processStart(pid: number): string {
  if (pid <= 0) return "";
  if (!HAS_PROC) return startByPs(pid);
  const stat = readStat(pid);
  if (stat === null || isZombie(stat)) return "";
  return `${bootId()}:${stat[START_TICKS] ?? ""}`;
}

/** It has ended; only its parent still has to notice. */
function isZombie(stat: readonly string[]): boolean {
  return stat[STATE] === "Z" || stat[STATE] === "X";
}

export function isAlive(process: { readonly pid: number; readonly start: string }): boolean {
  return process.start !== "" && processStart(process.pid) === process.start;
}

/** Living processes of the session that `pid` began, itself included; [] where there is no /proc. */
export function sessionMembers(pid: number): number[] {
  if (!HAS_PROC) return [];
  const members: number[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readStat(Number(name));
    if (stat === null || isZombie(stat)) continue;
    if (Number(stat[SESSION]) === pid) members.push(Number(name));
  }
  return members;
}

/** Sends `signal` to every process of the session; those that have gone meanwhile are no error. */
export function signalSession(pid: number, signal: NodeJS.Signals | number): void {
  signalQuietly(-pid, signal);
  for (const member of sessionMembers(pid)) {
    // The group has had it; these moved to a group of their own.
    if (groupOf(member) !== pid) signalQuietly(member, signal);
  }
}

export interface SessionUse {
  readonly cpuSeconds: number;
  readonly rssBytes: number;
}

export function sessionUse(pid: number): SessionUse {
  let ticks = 0;
  let pages = 0;
  for (const member of sessionMembers(pid)) {
    const stat = readStat(member);
    if (stat === null) continue;
    ticks += Number(stat[USER_TICKS]) + Number(stat[SYSTEM_TICKS]);
    pages += Number(stat[RSS_PAGES]);
  }
  return { cpuSeconds: ticks / CLOCK_TICKS_PER_SECOND, rssBytes: pages * PAGE_BYTES };
}

function groupOf(pid: number): number {
  const GROUP = 2;
  return Number(readStat(pid)?.[GROUP] ?? 0);
}

function signalQuietly(pid: number, signal: NodeJS.Signals | number): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Fields behind the name, which may itself hold blanks and parentheses. */
function readStat(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return null;
    throw error;
  }
}

let knownBootId = "";
function bootId(): string {
  knownBootId ||= readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  return knownBootId;
}

function startByPs(pid: number): string {
  try {
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
  } catch (error) {
    // ps exits with 1 when there is no such process.
    if ((error as { status?: number }).status === 1) return "";
    throw error;
  }
}
