import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import test from "node:test";
import type { WebSocket } from "ws";
import { Link } from "./link.ts";

class FakeSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  binaryType = "";
  readonly sent: string[] = [];
  readonly ended: string[] = [];

  send(text: string): void {
    this.sent.push(text);
  }

  close(code: number): void {
    this.ended.push(`closed ${code}`);
  }

  terminate(): void {
    this.ended.push("terminated");
    this.emit("close", 1006, Buffer.from(""));
  }
}

const SELF = { memberId: "m1", clusterId: "c1", address: "h:1", life: "x" };

function made(expect: string | null) {
  const socket = new FakeSocket();
  const seen: string[] = [];
  const link = new Link(socket as unknown as WebSocket, SELF, expect, {
    ready: ({ member }) => seen.push(`ready ${member}`),
    frame: () => seen.push("frame"),
    closed: (reason, wasReady) => seen.push(`closed: ${reason}, ${wasReady}`),
  });
  const greet = (member: string, to = ""): void => {
    const hello = { raft: 1, cluster: "c1", member, address: "", to };
    socket.emit("message", Buffer.from(JSON.stringify(hello)), false);
  };
  return { socket, link, seen, greet };
}

test("who does not greet in time is cut off, and so is who does not answer a farewell", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const silent = made(null);
  t.mock.timers.tick(5_000);
  assert.deepEqual(silent.socket.ended, ["terminated"]);
  assert.deepEqual(silent.seen, ["closed: no greeting in time, false"]);
  const greeted = made(null);
  greeted.greet("m2", "m1");
  t.mock.timers.tick(5_000);
  assert.deepEqual([greeted.seen, greeted.socket.ended], [["ready m2"], []]);
  greeted.link.close(1001, "stopping");
  t.mock.timers.tick(1_000);
  assert.deepEqual(greeted.socket.ended, ["closed 1001", "terminated"]);
});

test("a greeting in our own name, or one without end, is turned away", () => {
  for (const [member, to, code] of [
    ["m1", "m1", 4002],
    ["m2".padEnd(100_000, "x"), "m1", 4000],
  ] as const) {
    const { socket, seen, greet } = made(null);
    greet(member, to);
    assert.deepEqual([socket.ended, seen], [[`closed ${code}`], []]);
    socket.terminate();
  }
});

test("a member that was dialled and is another one is turned away", () => {
  const { socket, seen, greet } = made("m2");
  greet("m9");
  assert.deepEqual(socket.ended, ["closed 4002"]);
  socket.emit("message", Buffer.from("x"), true);
  assert.deepEqual(seen, []);
  socket.terminate();
});
