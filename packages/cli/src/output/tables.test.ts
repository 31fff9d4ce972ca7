import assert from "node:assert/strict";
import test from "node:test";
import type { Json } from "@drover/model";
import { Doc } from "../doc.ts";
import { newestFirst } from "../shared/api-forms.ts";
import { allocTable } from "./alloc-table.ts";
import { deploymentTable } from "./deployment.ts";
import { jobTable } from "./job-table.ts";

const SECOND_NS = 1e9;

/** First words of the rows under the header. */
function ids(table: string): string[] {
  return table
    .split("\n")
    .slice(1)
    .map((row) => row.split(" ")[0] ?? "");
}

function docs(...items: Json[]): Doc[] {
  return items.map((item) => new Doc(item));
}

test("newer allocations stand above older ones, those of one plan as they came", () => {
  const alloc = (ID: string, CreateIndex: number) => ({ ID, CreateIndex, JobVersion: 1 });
  const list = docs(alloc("b", 5), alloc("z", 9), alloc("a", 9), alloc("c", 7));
  assert.deepEqual(ids(allocTable(list, { verbose: false, now: 0 })), ["z", "a", "c", "b"]);
});

test("an allocation's row says version, wish, state and ages", () => {
  const alloc = {
    ID: "1d869c55-c519-3bdd-d93c-8be0be7c3086",
    NodeID: "cf5083dc-d0cc-adbe-40c8-07e62e5dda04",
    TaskGroup: "api",
    Job: { Version: 4 },
    DesiredStatus: "run",
    ClientStatus: "running",
    CreateTime: 10 * SECOND_NS,
    ModifyTime: 15 * SECOND_NS,
  };
  assert.equal(
    allocTable(docs(alloc), { verbose: false, now: 75_000 }),
    "ID        Node ID   Task Group  Version  Desired  Status   Created   Modified\n" +
      "1d869c55  cf5083dc  api         4        run      running  1m5s ago  1m ago",
  );
  assert.equal(allocTable([], { verbose: false, now: 0 }), "No allocations placed");
});

test("deployments and printed lists are newest first, jobs in order of their ids", () => {
  const deployment = (ID: string, CreateIndex: number) => ({ ID, CreateIndex, JobID: "web" });
  const list = docs(deployment("old", 5), deployment("new", 50), deployment("mid", 10));
  assert.deepEqual(ids(deploymentTable(list, false)), ["new", "mid", "old"]);
  assert.deepEqual(newestFirst([{ CreateIndex: 1 }, { CreateIndex: 3 }, { CreateIndex: 2 }]), [
    { CreateIndex: 3 },
    { CreateIndex: 2 },
    { CreateIndex: 1 },
  ]);
  const jobs = docs({ ID: "web", Name: "web" }, { ID: "api", Name: "api" });
  assert.deepEqual(ids(jobTable(jobs, false)), ["api", "web"]);
});
