import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { type FlagSpec, GENERAL_FLAGS } from "./command.ts";
import { ALIASES, COMMANDS } from "./commands/command-list.ts";
import { parseFlags } from "./flags.ts";
import { CLI_RECORDINGS, haveRecordings } from "./testing/recordings.ts";

const SPECS: readonly FlagSpec[] = [
  { name: "detach", kind: "bool", help: "" },
  { name: "diff", kind: "bool", default: "true", help: "" },
  { name: "n", kind: "string", help: "" },
  { name: "var", kind: "list", help: "" },
  { name: "lines", kind: "int", help: "" },
  { name: "wait", kind: "duration", default: "2s", help: "" },
  { name: "pause", kind: "setting", help: "" },
];

function parsed(...argv: string[]) {
  const result = parseFlags(argv, SPECS);
  assert.ok(result.ok, result.ok ? "" : result.message);
  return result;
}

function refused(...argv: string[]): string {
  const result = parseFlags(argv, SPECS);
  assert.ok(!result.ok);
  return result.message;
}

test("flags are written with one dash or two, with a value or the next word", () => {
  const { flags, args } = parsed("-detach", "--n", "5", "-var=a=b", "-var", "c=d", "job", "-n");
  assert.equal(flags.bool("detach"), true);
  assert.equal(flags.string("n"), "5");
  assert.deepEqual(flags.list("var"), ["a=b", "c=d"]);
  assert.deepEqual(args, ["job", "-n"], "what follows an argument is an argument");
});

test("the last one of a repeated flag counts", () => {
  assert.equal(parsed("-n", "1", "-n=2").flags.string("n"), "2");
  assert.equal(parsed("-detach", "-detach=false").flags.bool("detach"), false);
});

test("a flag that is not written has its default and is not there", () => {
  const { flags } = parsed();
  assert.equal(flags.bool("diff"), true);
  assert.equal(flags.has("diff"), false);
  assert.equal(flags.string("n"), "");
  assert.equal(parsed("-diff=0").flags.bool("diff"), false);
});

test("numbers and settings are read when they are written", () => {
  const { flags } = parsed("-lines", "-12", "-pause", "f", "-wait=1m");
  assert.deepEqual(
    [flags.int("lines"), flags.bool("pause"), flags.has("pause"), flags.string("wait")],
    [-12, false, true, "1m"],
  );
  assert.equal(parsed().flags.int("lines"), 0);
});

test("a double dash ends the flags and a single one is an argument", () => {
  assert.deepEqual(parsed("-detach", "--", "-n").args, ["-n"]);
  assert.deepEqual(parsed("-", "-n").args, ["-", "-n"]);
});

test("flags that cannot be read say why", () => {
  assert.equal(refused("-nope"), "flag provided but not defined: -nope");
  assert.equal(refused("-n"), "flag needs an argument: -n");
  assert.equal(refused("-detach=x"), 'invalid boolean value "x" for -detach: parse error');
  const wrong = (flag: string, value: string, reason: string) =>
    assert.equal(refused(flag, value), `invalid value "${value}" for flag ${flag}: ${reason}`);
  wrong("-lines", "x", "parse error");
  wrong("-lines", "1.5", "parse error");
  wrong("-lines", "99999999999999999999", "value out of range");
  wrong("-wait", "2", "parse error");
  wrong("-pause", "maybe", 'strconv.ParseBool: parsing "maybe": invalid syntax');
});

interface RecordedFlag {
  readonly flag: string;
  readonly default: string | null;
  readonly takesValue: boolean;
}

/** Flags of the reference that mean nothing here, by command. */
const ABSENT: Readonly<Record<string, RegExp>> = {
  // The agent's own flags are those of its configuration here; only the common ones are kept.
  agent: /./,
  // Servers find each other; a client's list of them is not set by hand.
  "node config": /^update-servers$/,
  // An agent prints its own log only.
  monitor: /^(node-id|server-id|json|log-include-location)$/,
};

const skip = haveRecordings ? false : `no recordings at ${CLI_RECORDINGS}`;

test("every recorded flag of a command is there, with its kind and default", { skip }, async () => {
  const text = readFileSync(join(CLI_RECORDINGS, "7-help", "flags.json"), "utf8");
  const recorded = JSON.parse(text) as Record<string, RecordedFlag[]>;
  let compared = 0;
  for (const [name, list] of Object.entries(recorded)) {
    const command = await COMMANDS[ALIASES[name] ?? name]?.();
    if (!command) continue;
    const specs = new Map([...GENERAL_FLAGS, ...command.flags].map((spec) => [spec.name, spec]));
    for (const flag of list) {
      if (ABSENT[name]?.test(flag.flag)) continue;
      const spec = specs.get(flag.flag);
      assert.ok(spec, `${name} -${flag.flag}`);
      assert.equal(spec.kind !== "bool", flag.takesValue, `${name} -${flag.flag}`);
      if (flag.default !== null) {
        const none = spec.kind === "bool" ? "false" : "";
        assert.equal(spec.default ?? none, flag.default, `${name} -${flag.flag}`);
      }
      compared++;
    }
  }
  assert.ok(compared > 200, `${compared} flags were compared`);
});
