/** Functions on IP address ranges. */
import { STRING } from "../values/type.ts";
import { list, string, stringOf, type Value } from "../values/value.ts";
import { define, defineVariadic, type Entry, fail, num, text, wholeOf } from "./define.ts";

export function cidrFunctions(): Entry[] {
  return [
    define("cidrhost", [text("prefix"), num("hostnum")], hostOf),
    define("cidrnetmask", [text("prefix")], (value) => {
      const prefix = parsePrefix(stringOf(value));
      if (prefix.bits === 128) {
        fail(`IPv6 addresses cannot have a netmask: ${JSON.stringify(stringOf(value))}`);
      }
      return string(formatAddress(maskOf(prefix), prefix.bits));
    }),
    define("cidrsubnet", [text("prefix"), num("newbits"), num("netnum")], (value, bits, index) => {
      const prefix = parsePrefix(stringOf(value));
      return string(formatPrefix(subnet(prefix, wholeOf(bits, 1), wholeOf(index, 2))));
    }),
    defineVariadic("cidrsubnets", [text("prefix")], num("newbits"), subnets),
  ];
}

interface Prefix {
  readonly address: bigint;
  readonly length: number;
  readonly bits: 32 | 128;
}

function parsePrefix(given: string): Prefix {
  const problem = `invalid CIDR expression: invalid CIDR address: ${given}`;
  const [host = "", lengthText = "", ...rest] = given.split("/");
  const parsed = parseAddress(host);
  const length = /^\d+$/.test(lengthText) ? Number(lengthText) : -1;
  if (parsed === null || rest.length > 0 || length < 0 || length > parsed.bits) fail(problem);
  const prefix = { ...parsed, length };
  return { ...prefix, address: prefix.address & maskOf(prefix) };
}

function parseAddress(given: string): { address: bigint; bits: 32 | 128 } | null {
  if (given.includes(":")) return parseIpv6(given);
  const parts = given.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) {
    return null;
  }
  const address = parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
  return { address, bits: 32 };
}

function parseIpv6(given: string): { address: bigint; bits: 128 } | null {
  const [head = "", tail, ...rest] = given.split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":"));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const missing = 8 - before.length - after.length;
  if (rest.length > 0 || (tail === undefined ? missing !== 0 : missing < 1)) return null;
  const all = [...before, ...Array<string>(missing).fill("0"), ...after];
  if (!all.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return null;
  return {
    address: all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n),
    bits: 128,
  };
}

function maskOf({ length, bits }: { length: number; bits: number }): bigint {
  return ((1n << BigInt(length)) - 1n) << BigInt(bits - length);
}

function formatAddress(address: bigint, bits: 32 | 128): string {
  if (bits === 32) {
    return [24n, 16n, 8n, 0n].map((shift) => (address >> shift) & 255n).join(".");
  }
  const groups = Array.from({ length: 8 }, (_, i) => {
    return ((address >> BigInt(112 - 16 * i)) & 0xffffn).toString(16);
  });
  const zeros = longestZeros(groups);
  if (zeros.length < 2) return groups.join(":");
  const end = zeros.start + zeros.length;
  return `${groups.slice(0, zeros.start).join(":")}::${groups.slice(end).join(":")}`;
}

function longestZeros(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start += 1) {
    let length = 0;
    while (groups[start + length] === "0") length += 1;
    if (length > best.length) best = { start, length };
  }
  return best;
}

function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix.address, prefix.bits)}/${prefix.length}`;
}

function hostOf(value: Value, hostValue: Value): Value {
  const prefix = parsePrefix(stringOf(value));
  const host = BigInt(wholeOf(hostValue, 1));
  const size = 1n << BigInt(prefix.bits - prefix.length);
  const index = host < 0n ? size + host : host;
  if (index < 0n || index >= size) {
    fail(`prefix of ${prefix.length} does not accommodate a host numbered ${host}`);
  }
  return string(formatAddress(prefix.address + index, prefix.bits));
}

function subnet(prefix: Prefix, newBits: number, index: number): Prefix {
  const length = prefix.length + newBits;
  if (length > prefix.bits) {
    fail(`insufficient address space to extend prefix of ${prefix.length} by ${newBits}`);
  }
  if (index < 0 || BigInt(index) >= 1n << BigInt(newBits)) {
    fail(`prefix extension of ${newBits} does not accommodate a subnet numbered ${index}`);
  }
  const address = prefix.address | (BigInt(index) << BigInt(prefix.bits - length));
  return { ...prefix, address, length };
}

/** Ranges one after the other, each as large as its number of bits says. */
function subnets(args: readonly Value[]): Value {
  const [first, ...sizes] = args;
  if (first === undefined) return list(STRING, []);
  const prefix = parsePrefix(stringOf(first));
  let next = prefix.address;
  const end = prefix.address + (1n << BigInt(prefix.bits - prefix.length));
  const results = sizes.map((size, i) => {
    const newBits = wholeOf(size, i + 1);
    if (newBits < 1) fail("must extend prefix by at least one bit", i + 1);
    const length = prefix.length + newBits;
    if (length > prefix.bits) {
      fail(
        `would extend prefix to ${length} bits, which is too long for an ${prefix.bits === 32 ? "IPv4" : "IPv6"} address`,
        i + 1,
      );
    }
    const step = 1n << BigInt(prefix.bits - length);
    const address = ((next + step - 1n) / step) * step;
    if (address + step > end)
      fail(
        "not enough remaining address space for a subnet with a prefix of " +
          `${length} bits after ${formatAddress(next - 1n, prefix.bits)}`,
        i + 1,
      );
    next = address + step;
    return string(formatPrefix({ ...prefix, address, length }));
  });
  return list(STRING, results);
}
