/** Reading, comparing and writing configurations. A config entry holds the whole configuration. */
import { assert } from "./assert.ts";
import type { ConfState, MemberId } from "./types.ts";

const ENCODING_VERSION = 1;

export const emptyConf: ConfState = Object.freeze({
  voters: [],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
  addresses: {},
});

export function isJoint(conf: ConfState): boolean {
  return conf.votersOutgoing.length > 0;
}

/** A voter of either half. */
export function isVoter(conf: ConfState, id: MemberId): boolean {
  return conf.voters.includes(id) || conf.votersOutgoing.includes(id);
}

/** Voters of both halves, each once. */
export function allVoters(conf: ConfState): MemberId[] {
  return [...new Set([...conf.voters, ...conf.votersOutgoing])];
}

/** Everyone that receives the log, each once. */
export function allMembers(conf: ConfState): MemberId[] {
  return [...new Set([...conf.voters, ...conf.votersOutgoing, ...conf.learners])];
}

/** To be spread into a configuration: nothing where none has been agreed on. */
export function levelOf({ level }: Pick<ConfState, "level">): Pick<ConfState, "level"> {
  return level === undefined ? {} : { level };
}

/** ASCII JSON, so that neither a text encoder nor a byte order enters the core. */
export function encodeConf(conf: ConfState): Uint8Array {
  const text = JSON.stringify({
    version: ENCODING_VERSION,
    voters: conf.voters,
    votersOutgoing: conf.votersOutgoing,
    learners: conf.learners,
    learnersNext: conf.learnersNext,
    autoLeave: conf.autoLeave,
    addresses: conf.addresses,
    level: conf.level,
  });
  const ascii = text.replace(
    /[\u0080-\uffff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return Uint8Array.from(ascii, (c) => c.charCodeAt(0));
}

export function decodeConf(data: Uint8Array): ConfState {
  let text = "";
  for (const byte of data) text += String.fromCharCode(byte);
  const raw: unknown = JSON.parse(text);
  assert(typeof raw === "object" && raw !== null, () => "config entry is not an object");
  const conf = raw as ConfState & { version: number };
  assert(conf.version === ENCODING_VERSION, () => `config entry of version ${conf.version}`);
  return Object.freeze({
    voters: Object.freeze([...conf.voters]),
    votersOutgoing: Object.freeze([...conf.votersOutgoing]),
    learners: Object.freeze([...conf.learners]),
    learnersNext: Object.freeze([...conf.learnersNext]),
    autoLeave: conf.autoLeave,
    addresses: Object.freeze({ ...conf.addresses }),
    ...levelOf(conf),
  });
}
