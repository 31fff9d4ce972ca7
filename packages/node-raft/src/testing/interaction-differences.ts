/**
 * Where our core does otherwise than etcd's in a step of a script: the lines that differ, and the
 * reason by name. Kept in a file of its own, so that every change of it is seen.
 *
 *   reason NAME: text, on one line
 *
 *   script.txt:line NAME
 *   - what etcd says and we do not
 *   + what we say and etcd does not
 */
export interface Differences {
  readonly reasons: ReadonlyMap<string, string>;
  /** By `script.txt:line`. */
  readonly steps: ReadonlyMap<string, { readonly reason: string; readonly lines: string }>;
}

export function parseDifferences(text: string): Differences {
  const reasons = new Map<string, string>();
  const steps = new Map<string, { reason: string; lines: string }>();
  for (const block of text.split("\n\n")) {
    const [first = "", ...rest] = block.trim().split("\n");
    const step = /^(\S+\.txt:\d+) (\S+)$/.exec(first);
    if (step !== null) {
      steps.set(step[1] as string, { reason: step[2] as string, lines: rest.join("\n") });
      continue;
    }
    for (const line of [first, ...rest]) {
      const reason = /^reason (\S+): (.*)$/.exec(line);
      if (reason !== null) reasons.set(reason[1] as string, reason[2] as string);
    }
  }
  return { reasons, steps };
}

export function writeDifferences({ reasons, steps }: Differences): string {
  const heads = [...reasons].map(([name, text]) => `reason ${name}: ${text}`);
  const blocks = [...steps].map(([step, { reason, lines }]) => `${step} ${reason}\n${lines}`);
  return `${[heads.join("\n"), ...blocks].join("\n\n")}\n`;
}

/** The lines of one text that the other has not, in order, by the longest common subsequence. */
export function differingLines(theirs: string, ours: string): string {
  const a = theirs.split("\n");
  const b = ours.split("\n");
  const common: number[][] = Array.from({ length: a.length + 1 }, () => []);
  const at = (i: number, j: number) => common[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const longest = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
      (common[i] as number[])[j] = longest;
    }
  }
  const lines: string[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      i += 1;
      j += 1;
    } else if (i < a.length && (j === b.length || at(i + 1, j) >= at(i, j + 1))) {
      lines.push(`- ${a[i]}`);
      i += 1;
    } else {
      lines.push(`+ ${b[j]}`);
      j += 1;
    }
  }
  return lines.filter((line) => line.trim().length > 1).join("\n");
}
