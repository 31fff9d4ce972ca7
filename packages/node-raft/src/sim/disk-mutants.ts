/** Bugs that only show on disks that fail, lie and rot; see mutants.ts. */
import type { Mutant } from "./mutants.ts";

export const diskMutants: readonly Mutant[] = [
  {
    name: "sync-error-retried",
    breaks: "the first error of a sync is the end (RAFT.md §2.5 row 11)",
    edits: [
      {
        file: "wal/wal.ts",
        find: "file.write(this.#tail.position, bytes);\n    file.sync();",
        replace:
          "file.write(this.#tail.position, bytes);\n" +
          "    try {\n      file.sync();\n    } catch {\n      file.sync();\n    }",
      },
    ],
    seeds: 50,
    mode: "node",
  },
  {
    name: "rot-taken-for-torn",
    breaks: "only the very end of the log can be a torn write (RAFT.md §4.6)",
    edits: [
      {
        file: "wal/segment.ts",
        find: 'if (validAt !== null) return { kind: "corrupt"',
        replace: 'if (validAt !== null && validAt < 0) return { kind: "corrupt"',
      },
    ],
    seeds: 400,
    mode: "node",
  },
  {
    name: "rotten-snapshot-taken",
    breaks: "a snapshot whose bytes do not check is not used (RAFT.md §4.6)",
    edits: [
      {
        file: "wal/snapshot-file.ts",
        find:
          "this.#crc = crc32(chunk, this.#crc);\n" +
          "    if (chunk.length !== length || this.#crc !== crc)",
        replace: "this.#crc = crc;\n    if (chunk.length !== length)",
      },
    ],
    seeds: 600,
    mode: "node",
  },
  {
    name: "snapshot-goes-on-elsewhere",
    breaks: "a snapshot that was broken off goes on where it ended (X5)",
    edits: [
      {
        file: "node/snapshot-intake.ts",
        find: "part.bytes += chunk.length;",
        replace: "part.bytes += chunk.length + 1;",
      },
    ],
    seeds: 2000,
    mode: "node",
  },
];
