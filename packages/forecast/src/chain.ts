/** The one path through a graph of reasons that tells most: to something that must happen. */
import { type Reason, type Subject, SubjectKind, subjectKey } from "@drover/model";

/** Deeper ones are told in pieces: each piece's end can be asked about again. */
const DEPTH_MAX = 12;

export function chainOf(
  subject: Subject,
  reasonsOf: (subject: Subject) => readonly Reason[],
): readonly Reason[] {
  const walked = new Set<string>();
  const walk = (from: Subject, depth: number): readonly Reason[] => {
    const key = subjectKey(from);
    if (walked.has(key) || depth >= DEPTH_MAX) return [];
    walked.add(key);
    let best: readonly Reason[] = [];
    for (const reason of reasonsOf(from)) {
      for (const tail of [[], ...reason.waitsFor.map((next) => walk(next, depth + 1))]) {
        const candidate = [reason, ...tail];
        if (rank(candidate) > rank(best)) best = candidate;
      }
    }
    return best;
  };
  return walk(subject, 0);
}

/** What someone must do or mend says more than what time or the leader will settle. */
const WEIGHT: Readonly<Record<SubjectKind, number>> = {
  [SubjectKind.operator]: 4,
  [SubjectKind.capacity]: 4,
  [SubjectKind.check]: 4,
  [SubjectKind.image]: 4,
  [SubjectKind.task]: 3,
  [SubjectKind.node]: 3,
  [SubjectKind.allocation]: 2,
  [SubjectKind.evaluation]: 2,
  [SubjectKind.group]: 2,
  [SubjectKind.deployment]: 2,
  [SubjectKind.job]: 2,
  [SubjectKind.leader]: 1,
};

function rank(chain: readonly Reason[]): number {
  const last = chain.at(-1);
  if (!last) return 0;
  const [waited] = last.waitsFor;
  const weight = waited ? WEIGHT[waited.kind] : 2;
  return weight * (DEPTH_MAX + 1) + chain.length;
}
