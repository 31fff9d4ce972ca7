import assert from "node:assert/strict";
import test from "node:test";
import { createUi } from "../ui.ts";
import { LiveBlock } from "./live-block.ts";

const ESC = String.fromCharCode(27);

/** What is left on a screen that only grows, moves up and erases lines. */
function screenOf(written: string): string[] {
  const lines = [""];
  let row = 0;
  const pattern = new RegExp(`${ESC}\\[(0G|2K|1A|0m)|\\n|[^${ESC}\\n]+`, "g");
  for (const [piece, code] of written.matchAll(pattern)) {
    if (code === "1A") row--;
    else if (code === "2K") lines[row] = "";
    else if (piece === "\n") {
      row++;
      lines[row] ??= "";
    } else if (code === undefined) lines[row] = (lines[row] ?? "") + piece;
  }
  return lines;
}

test("each picture replaces the one before it, also when it is shorter", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  let written = "";
  const sink = { write: (text: string | Uint8Array) => (written += String(text)) };
  const ui = createUi({ out: sink, err: sink, isTerminal: true, colors: true });
  const block = new LiveBlock(ui, "0d3b8d2b");
  block.show("one\ntwo\nthree");
  t.mock.timers.tick(450);
  assert.match(screenOf(written)[0] ?? "", /^ {2}. Deployment "0d3b8d2b" in progress\.\.\.$/);
  assert.deepEqual(screenOf(written).slice(1), ["    ", "    one", "    two", "    three"]);
  block.end("successful", "done");
  const screen = screenOf(written);
  assert.deepEqual(screen.slice(0, 3), [
    '  ✓ Deployment "0d3b8d2b" successful',
    "    ",
    "    done",
  ]);
  assert.deepEqual(screen.slice(3).join(""), "", "nothing of the longer picture is left");
  const before = written;
  t.mock.timers.tick(1000);
  assert.equal(written, before, "an ended block does not spin");
});
