/** What a simulated image does, told by its name: `app:good-7`, `app:crash-2`. */
export const ImageKind = {
  good: "good",
  /** Passes its check only after some seconds. */
  slow: "slow",
  /** Ignores the signal: killed at the end of the kill timeout. */
  stubborn: "stubborn",
  /** Cannot be pulled. */
  missing: "missing",
  /** Exits with an error soon after its start. */
  crash: "crash",
  /** Runs, and its check never passes. */
  sick: "sick",
  /** Does its work and ends well. */
  batch: "batch",
  /** A short piece of work before, beside or after the main task. */
  hook: "hook",
} as const;
export type ImageKind = (typeof ImageKind)[keyof typeof ImageKind];

export function imageKind(image: string): ImageKind {
  const name = /^app:([a-z]+)-/.exec(image)?.[1] ?? "";
  const kinds: readonly string[] = Object.values(ImageKind);
  if (!kinds.includes(name)) throw new Error(`no such image in this world: ${image}`);
  return name as ImageKind;
}

export function imageName(kind: ImageKind, number: number): string {
  return `app:${kind}-${number}`;
}
