/**
 * Deliberate bugs, to show that the simulator bites. Each is a substitution in a copy of the
 * sources made at test time, so no production build can contain one. `seeds`: it must die within so
 * many, found by a checker and not by an assertion of the core itself.
 */
import { diskMutants } from "./disk-mutants.ts";
import type { MutantEdits } from "./mutant-edits.ts";
import { readMutants } from "./read-mutants.ts";
import { sessionMutants } from "./session-mutants.ts";
import type { SimMode } from "./simulation.ts";
import { stateMutants } from "./state-mutants.ts";
import { upgradeMutants } from "./upgrade-mutants.ts";
import { upkeepMutants } from "./upkeep-mutants.ts";

export interface Mutant extends MutantEdits {
  /** The rule it breaks. */
  readonly breaks: string;
  readonly seeds: number;
  /**
   * "node": the bug is in the driver or the log, "upkeep": in the controller, "states": in how
   * states are compared, "upgrade": in the feature level; default "core".
   */
  readonly mode?: SimMode;
}

export const mutants: readonly Mutant[] = [
  {
    name: "vote-before-fsync",
    breaks: "a vote is on disk before it is sent (paper §5.2)",
    edits: [
      {
        file: "core/election.ts",
        find: 'if (type === "voteReply" && granted)',
        replace: 'if (type === "preVoteReply" && granted && state.id === "")',
      },
    ],
    seeds: 300,
  },
  {
    name: "vote-forgotten",
    breaks: "one vote in a term (paper §5.2)",
    edits: [
      {
        file: "core/roles.ts",
        find: '    state.term = term;\n    state.vote = "";\n  }',
        replace: '    state.term = term;\n  }\n  state.vote = "";',
      },
      { file: "core/roles.ts", find: "state.vote === state.id", replace: "true" },
    ],
    seeds: 100,
  },
  {
    name: "ack-before-fsync",
    breaks: "an acknowledgement means durable (RAFT.md §2.5 row 12)",
    edits: [
      {
        file: "core/follower.ts",
        find: "state.outbox.sendWhenDurable(",
        replace: "state.outbox.sendNow(",
      },
    ],
    seeds: 100,
  },
  {
    name: "leader-counts-unsynced",
    breaks: "the leader's own copy counts after its fsync (RAFT.md §2.5 row 9)",
    edits: [
      {
        file: "core/replication.ts",
        find: "id === state.id ? log.stable :",
        replace: "id === state.id ? log.lastIndex :",
      },
    ],
    seeds: 100,
  },
  {
    name: "commit-older-term",
    breaks: "only own-term entries are committed by counting (paper §5.4.2)",
    edits: [
      {
        file: "core/replication.ts",
        find: "if (index <= log.commit || log.termAt(index) !== state.term) return;",
        replace: "if (index <= log.commit) return;",
      },
    ],
    seeds: 5000,
  },
  {
    name: "quorum-off-by-one",
    breaks: "a majority is more than half (RAFT.md §2.5 row 22)",
    edits: [
      {
        file: "core/quorum.ts",
        find: "Math.floor(size / 2) + 1",
        replace: "Math.max(1, Math.floor(size / 2))",
      },
    ],
    seeds: 100,
  },
  {
    name: "joint-quorum-ignored",
    breaks: "a joint decision needs both halves (RAFT.md §2.5 row 22)",
    edits: [
      {
        file: "core/quorum.ts",
        find: "return Math.min(majorityIndex(voters, reached), majorityIndex(outgoing, reached));",
        replace: "return outgoing.length < 0 ? 0 : majorityIndex(voters, reached);",
      },
    ],
    seeds: 300,
  },
  {
    name: "no-joint-configuration",
    breaks: "voters change through a joint configuration (RAFT.md §2.5 row 1)",
    edits: [
      {
        file: "core/conf-change.ts",
        find: "    : enterJoint(conf, operations, true);",
        replace: '    : { kind: "changed", conf: draft.build() };',
      },
    ],
    seeds: 100,
  },
  {
    name: "conf-not-rolled-back",
    breaks: "truncation rolls the configuration back (RAFT.md §2.5 row 2)",
    edits: [
      { file: "core/state.ts", find: "    this.confs.truncateFrom(index);\n", replace: "" },
      {
        file: "core/conf-history.ts",
        find: "assert(index > this.currentIndex,",
        replace: "assert(index > 0,",
      },
    ],
    seeds: 5000,
  },
  {
    name: "learner-refuses-votes",
    breaks: "learners answer votes (RAFT.md §2.5 row 3)",
    edits: [
      {
        file: "core/election.ts",
        find: "const granted = free && upToDate;",
        replace: "const granted = free && upToDate && isVoter(state.conf, state.id);",
      },
      {
        file: "core/election.ts",
        find: "const granted = upToDate && message.term > state.term;",
        replace:
          "const granted = upToDate && message.term > state.term && isVoter(state.conf, state.id);",
      },
    ],
    seeds: 500,
  },
  {
    name: "removed-gives-up",
    breaks: "a member campaigns until its removal is committed (thesis §4.2.2)",
    edits: [
      {
        file: "core/election.ts",
        find: "return confs.currentIndex > log.commit && isVoter(confs.at(log.commit), id);",
        replace: "return confs.currentIndex < 0 && log.commit < 0;",
      },
    ],
    seeds: 5000,
  },
  {
    name: "pre-vote-counts-as-vote",
    breaks: "a pre-vote is not a vote (RAFT.md §2.5 row 5)",
    edits: [
      {
        file: "core/election.ts",
        find: 'if (state.role === "preCandidate") startElection(state, false);\n  else ',
        replace: 'if (state.role === "preCandidate") startElection(state, false);\n  ',
      },
    ],
    seeds: 100,
  },
  {
    name: "vote-ignores-log-term",
    breaks: "the last term decides whose log is newer (paper §5.4.1)",
    edits: [
      {
        file: "core/log.ts",
        find: "lastTerm > this.lastTerm || (lastTerm === this.lastTerm &&",
        replace: "(lastTerm >= 0 &&",
      },
    ],
    seeds: 300,
  },
  {
    name: "append-checks-index-only",
    breaks: "the consistency check compares terms (paper §5.3)",
    edits: [
      {
        file: "core/follower.ts",
        find: "if (log.termAt(message.prevIndex) !== message.prevTerm) {",
        replace: "if (log.termAt(message.prevIndex) === undefined) {",
      },
    ],
    seeds: 100,
  },
  {
    name: "truncate-without-conflict",
    breaks: "only a real conflict truncates (RAFT.md §2.5 row 21)",
    edits: [
      {
        file: "core/follower.ts",
        find: "    if (known === entry.term) continue;\n",
        replace: "",
      },
      { file: "core/log.ts", find: "assert(index > this.commit, ", replace: "assert(index > 0, " },
    ],
    seeds: 100,
  },
  {
    name: "heartbeat-commits-all",
    breaks: "a heartbeat carries min(match, commit) (RAFT.md §2.5 row 12)",
    edits: [
      {
        file: "core/read-index.ts",
        find: "commit: Math.min(progress.match, state.log.commit),",
        replace: "commit: state.log.commit,",
      },
      {
        file: "core/follower.ts",
        find: "state.log.commitTo(message.commit);",
        replace: "state.log.commitTo(Math.min(message.commit, state.log.lastIndex));",
      },
    ],
    seeds: 100,
  },
  {
    name: "read-before-own-term",
    breaks: "no read before an own-term entry is committed (RAFT.md §2.5 row 6)",
    edits: [
      {
        file: "core/read-index.ts",
        find: "if (log.termAt(log.commit) !== state.term) return;",
        replace: "",
      },
    ],
    seeds: 100,
  },
  {
    name: "read-token-reused",
    breaks: "each batch of reads has a token of its own (RAFT.md §2.5 row 7)",
    edits: [
      {
        file: "core/read-index.ts",
        find: "reads.seq += 1;\n",
        replace: "reads.seq = Math.max(reads.seq, 1);\n",
      },
    ],
    seeds: 300,
  },
  {
    name: "lost-window-not-checked",
    breaks: "a window of lost messages is found out (RAFT.md §2.5 row 19)",
    edits: [
      {
        file: "core/replication.ts",
        find: 'progress.mustCheck = progress.state === "replicate" && progress.inflights.size > 0;',
        replace: "progress.mustCheck = false;",
      },
    ],
    seeds: 100,
  },
  {
    name: "stale-durable-counts",
    breaks: "an acknowledgement of replaced entries is void (RAFT.md §4.3)",
    edits: [
      { file: "core/state.ts", find: "    this.outbox.voidFrom(index);\n", replace: "" },
      {
        file: "core/raft.ts",
        find: "assert(stable <= state.log.lastIndex,",
        replace: "assert(stable >= 0,",
      },
    ],
    seeds: 5000,
  },
  {
    name: "snapshot-has-newest-conf",
    breaks: "a snapshot carries the configuration of its index (RAFT.md §2.5 row 16)",
    edits: [
      {
        file: "core/raft.ts",
        find: "conf: state.confs.at(index) });",
        replace: "conf: state.confs.current });",
      },
    ],
    seeds: 300,
  },
  {
    name: "joint-never-left",
    breaks: "a joint configuration is left by itself (thesis §4.3)",
    edits: [
      {
        file: "core/leader.ts",
        find: "  leaveJointWhenCommitted(state);\n",
        replace: "",
      },
    ],
    seeds: 100,
  },
  {
    name: "log-not-synced",
    breaks: "durable means fsync (RAFT.md §4.6)",
    edits: [
      {
        file: "wal/wal.ts",
        find: "file.write(this.#tail.position, bytes);\n    file.sync();",
        replace: "file.write(this.#tail.position, bytes);",
      },
    ],
    seeds: 100,
    mode: "node",
  },
  {
    name: "driver-promises-early",
    breaks: "promises follow the write they promise (RAFT.md §4.3)",
    edits: [
      {
        file: "node/engine.ts",
        find: "this.#disk.started(this.#deps.timers.now());",
        replace: "this.#disk.started(this.#deps.timers.now());\n    this.#send(append.onDurable);",
      },
      {
        file: "node/engine.ts",
        find: "      this.#send(append.onDurable);\n      this",
        replace: "      this",
      },
    ],
    seeds: 100,
    mode: "node",
  },
  {
    name: "snapshot-not-synced",
    breaks: "a snapshot is durable before the log is told of it (RAFT.md §2.5 row 15)",
    edits: [{ file: "wal/snapshot-file.ts", find: "    this.#file.sync();\n", replace: "" }],
    seeds: 100,
    mode: "node",
  },
  {
    name: "directory-not-synced",
    breaks: "the directory is synced after a rename (RAFT.md §4.6)",
    edits: [
      {
        file: "wal/wal.ts",
        find: "    this.#vfs.syncDir(this.#dir);\n  }\n\n  #preamble",
        replace: "  }\n\n  #preamble",
      },
    ],
    seeds: 100,
    mode: "node",
  },
  ...diskMutants,
  ...sessionMutants,
  ...readMutants,
  ...upkeepMutants,
  ...stateMutants,
  ...upgradeMutants,
];
