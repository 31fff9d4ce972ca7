/** Copies the sources beside a link to their dependencies, edits the copy and loads it. */
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { RaftCore } from "../core/raft.ts";
import type { MembershipController } from "../node/membership-controller.ts";
import { applyEdits, type MutantEdits } from "./mutant-edits.ts";
import type { Mutant } from "./mutants.ts";
import type { NodeCode } from "./node-member.ts";
import type { SimCode } from "./simulation.ts";

const SOURCES = join(import.meta.dirname, "..");
const ALL_PARTS = ["core", "wal", "node", "ws", "sim", "testing"];

export async function loadMutant(mutant: Mutant): Promise<SimCode> {
  const dir = copyWithBug(mutant, ["core", "wal", "node"]);
  try {
    return await load(dir);
  } finally {
    // Everything that the copy consists of is loaded by now.
    rmSync(dir, { recursive: true });
  }
}

/** A folder of sources with that bug; whoever asked for it removes it. */
export function copyWithBug(mutant: MutantEdits, parts: readonly string[] = ALL_PARTS): string {
  const dir = mkdtempSync(join(tmpdir(), `node-raft-mutant-${mutant.name}-`));
  const filter = (path: string) => !path.endsWith(".test.ts");
  for (const part of parts) {
    cpSync(join(SOURCES, part), join(dir, part), { recursive: true, filter });
  }
  symlinkSync(dependencies(), join(dir, "node_modules"));
  applyEdits(mutant, dir);
  return dir;
}

async function load(dir: string): Promise<SimCode> {
  const from = (path: string): Promise<unknown> => import(pathToFileURL(join(dir, path)).href);
  const core = (await from("core/raft.ts")) as { RaftCore: typeof RaftCore };
  const node = (await from("node/open-raft-node.ts")) as Pick<NodeCode, "openRaftNode">;
  const wal = (await from("wal/local-port.ts")) as Pick<NodeCode, "openLocalStorage">;
  const control = (await from("node/membership-controller.ts")) as {
    MembershipController: typeof MembershipController;
  };
  return {
    newCore: (options) => new core.RaftCore(options),
    node: {
      openRaftNode: node.openRaftNode,
      openLocalStorage: wal.openLocalStorage,
      MembershipController: control.MembershipController,
    },
  };
}

/** The nearest node_modules folder that holds this package's dependencies. */
function dependencies(): string {
  for (let at = SOURCES; at !== dirname(at); at = dirname(at)) {
    if (existsSync(join(at, "node_modules/msgpackr"))) return join(at, "node_modules");
  }
  throw new Error("the dependencies are not installed");
}
