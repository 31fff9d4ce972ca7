import assert from "node:assert/strict";
import type { NetworkInterfaceInfo } from "node:os";
import test from "node:test";
import { advertised } from "./addresses.ts";

const one = (address: string, internal: boolean): NetworkInterfaceInfo => ({
  address,
  internal,
  family: "IPv4",
  netmask: "255.255.255.0",
  mac: "00:00:00:00:00:00",
  cidr: null,
});
const machine = { lo: [one("127.0.0.1", true)], eth0: [one("10.1.2.3", false)] };

test("what is bound is told as it is", () => {
  assert.equal(advertised("", "127.0.0.2:4647", machine), "127.0.0.2:4647");
});

test("what is configured wins, its port may be left out", () => {
  assert.equal(advertised("192.0.2.1", "0.0.0.0:4647", machine), "192.0.2.1:4647");
  assert.equal(advertised("192.0.2.1:99", "0.0.0.0:4647", machine), "192.0.2.1:99");
});

test("every address is nobody's: one that others can reach is told instead", () => {
  assert.equal(advertised("", "0.0.0.0:4647", machine), "10.1.2.3:4647");
  assert.equal(advertised("", "0.0.0.0:4647", { lo: machine.lo }), "127.0.0.1:4647");
});
