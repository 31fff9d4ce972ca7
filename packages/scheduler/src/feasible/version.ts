/**
 * Version numbers and version constraints, written by hand because nothing fit (DESIGN §1).
 * `version` constraints are lenient: any number of segments, and a pre-release only matches a
 * constraint that names one. `semver` constraints are strict semantic versions in usual order.
 */

export interface Version {
  readonly segments: readonly number[];
  /** How many of them were written; the rest are zeros. */
  readonly written: number;
  readonly prerelease: readonly string[];
}

const LENIENT = /^v?(\d+(?:\.\d+)*)(?:-?([0-9A-Za-z~][0-9A-Za-z.~-]*))?(?:\+[0-9A-Za-z.~-]+)?$/;
const STRICT =
  /^v?(\d+(?:\.\d+){0,2})(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?$/;

type VersionMode = "version" | "semver";

/** null when the text is no version. */
export function parseVersion(text: string, mode: VersionMode): Version | null {
  const match = (mode === "version" ? LENIENT : STRICT).exec(text.trim());
  if (!match) return null;
  const segments = (match[1] as string).split(".").map(Number);
  const written = segments.length;
  while (segments.length < 3) segments.push(0);
  const prerelease = match[2] ? match[2].split(".") : [];
  return { segments, written, prerelease };
}

/** Negative, zero or positive, as of `Array.sort`. */
export function compareVersions(a: Version, b: Version): number {
  const bySegments = compareSegments(a, b);
  if (bySegments !== 0) return bySegments;
  if (a.prerelease.length === 0 && b.prerelease.length === 0) return 0;
  if (a.prerelease.length === 0) return 1;
  if (b.prerelease.length === 0) return -1;
  return comparePrereleases(a.prerelease, b.prerelease);
}

function compareSegments(a: Version, b: Version): number {
  const length = Math.max(a.segments.length, b.segments.length);
  for (let i = 0; i < length; i++) {
    const difference = (a.segments[i] ?? 0) - (b.segments[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function comparePrereleases(a: readonly string[], b: readonly string[]): number {
  const length = Math.max(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a[i];
    const right = b[i];
    if (left === right) continue;
    if (left === undefined) return -1;
    if (right === undefined) return 1;
    const leftNumber = /^\d+$/.test(left);
    const rightNumber = /^\d+$/.test(right);
    if (leftNumber && rightNumber) return Number(left) - Number(right);
    if (leftNumber !== rightNumber) return leftNumber ? -1 : 1;
    return left < right ? -1 : 1;
  }
  return 0;
}

/** Whether `text` is a version that satisfies every part of `constraints` (`>= 1.0, < 2`). */
export function matchesVersion(text: string, constraints: string, mode: VersionMode): boolean {
  const version = parseVersion(text, mode);
  if (!version) return false;
  return constraints.split(",").every((part) => matchesPart(version, part, mode));
}

function matchesPart(version: Version, part: string, mode: VersionMode): boolean {
  const match = /^\s*(>=|<=|!=|~>|=|>|<|)\s*(\S+)\s*$/.exec(part);
  if (!match) return false;
  const wanted = parseVersion(match[2] as string, mode);
  if (!wanted) return false;
  const operator = match[1] as string;
  const order = compareVersions(version, wanted);
  if (operator === "" || operator === "=") return order === 0;
  if (operator === "!=") return order !== 0;
  if (mode === "version" && !isPrereleaseComparable(version, wanted)) return false;
  switch (operator) {
    case ">":
      return order > 0;
    case "<":
      return order < 0;
    case ">=":
      return order >= 0;
    case "<=":
      return order <= 0;
    default:
      return isPessimisticMatch(version, wanted, order);
  }
}

/** A pre-release is only comparable with a constraint that names one of the same version. */
function isPrereleaseComparable(version: Version, wanted: Version): boolean {
  if (version.prerelease.length === 0) return true;
  return wanted.prerelease.length > 0 && compareSegments(version, wanted) === 0;
}

/** `~> 1.2` allows 1.2 and later before 2; `~> 1.2.3` allows 1.2.3 and later before 1.3. */
function isPessimisticMatch(version: Version, wanted: Version, order: number): boolean {
  if (order < 0) return false;
  if (wanted.prerelease.length > 0 && version.prerelease.length === 0) return false;
  for (let i = 0; i < wanted.written - 1; i++) {
    if (version.segments[i] !== wanted.segments[i]) return false;
  }
  return true;
}
