import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { type CliWorld, runCli } from "./cli.ts";

async function run(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = { NOMAD_ADDR: "http://127.0.0.1:4" },
  directory = "/nowhere",
) {
  let stdout = "";
  let stderr = "";
  const world: CliWorld = {
    out: { write: (text) => (stdout += String(text)) },
    err: { write: (text) => (stderr += String(text)) },
    isTerminal: false,
    env,
    directory,
    programPath: "drover",
    now: () => 0,
    sleep: async () => undefined,
    stdin: async () => "",
    line: async () => null,
    interrupted: () => new AbortController().signal,
  };
  const exit = await runCli(argv, world);
  return { exit, stdout, stderr };
}

test("words that name no command show all commands and exit 127", async () => {
  for (const argv of [["nope"], []]) {
    const { exit, stdout, stderr } = await run(argv);
    assert.equal(exit, 127);
    assert.match(stdout, /^Usage: drover .*\n\nCommands:\n/);
    assert.match(stdout, /^ {4}job +Runs, changes and looks at jobs$/m);
    assert.equal(stderr, "");
  }
  assert.equal((await run(["-help"])).exit, 0);
});

test("a group of commands shows its own", async () => {
  const { exit, stdout } = await run(["job"]);
  assert.equal(exit, 1);
  assert.match(stdout, /^Usage: drover job <subcommand>/);
  assert.match(stdout, /^ {4}run +Runs a new job/m);
  assert.equal((await run(["job", "-help"])).exit, 0);
});

test("help of a command lists its flags with their defaults", async () => {
  const { exit, stdout } = await run(["job", "plan", "-help"]);
  assert.equal(exit, 0);
  assert.match(stdout, /^Usage: drover job plan \[options\] <path>\n/);
  assert.match(stdout, /-diff/);
  assert.match(stdout, /-address/);
  assert.equal((await run(["plan", "-h"])).stdout, stdout, "the short form is the same command");
});

test("a wrong flag shows the help and says what is wrong", async () => {
  const { exit, stdout, stderr } = await run(["job", "status", "-nope"]);
  assert.equal(exit, 1);
  assert.match(stdout, /^Usage: drover job status/);
  assert.equal(stderr, "flag provided but not defined: -nope\n");
  assert.equal((await run(["plan", "-nope"])).exit, 255, "1 of a plan means changes");
});

test("wrong arguments are said with the way to help", async () => {
  const { exit, stdout, stderr } = await run(["job", "plan"]);
  assert.deepEqual(
    { exit, stdout, stderr },
    {
      exit: 255,
      stdout: "",
      stderr:
        "This command takes one argument: <path>\n" +
        "For additional help try 'drover job plan -help'\n",
    },
  );
});

/** Command lines that are refused before anybody is asked: how, and with which exit code. */
const REFUSED: readonly (readonly [argv: string, stderr: string, exit?: number])[] = [
  ["job history -json -p web", "-json and -t are exclusive with -p and -full"],
  ["job history -t {{.ID}} -full web", "-json and -t are exclusive with -p and -full"],
  ["job history -diff-tag x web", "-diff-tag and -diff-version can only be used with -p"],
  [
    "job history -p -diff-tag x -diff-version 1 web",
    "-diff-tag and -diff-version are mutually exclusive",
  ],
  [
    "job history -p -diff-version x web",
    'Error parsing -diff-version: strconv.ParseUint: parsing "x": invalid syntax',
  ],
  ["job dispatch web none", "Error reading input data: open none: no such file or directory"],
  ["job dispatch -meta x web", "Error parsing meta value: x"],
  ["namespace apply -json none", "Error reading input data: open none: no such file or directory"],
  ["eval delete", "Error validating command args and flags: evaluation ID or filter flag required"],
  ["eval delete a b", "Error validating command args and flags: expected 1 argument, got 2"],
  ["node drain -enable -deadline -5s ab", "A positive drain duration must be given"],
  ["node drain -enable -deadline x ab", 'Failed to parse deadline "x": time: invalid duration "x"'],
  [
    "operator scheduler set-config -check-index x",
    'Error parsing check-index value "x": strconv.ParseUint: parsing "x": invalid syntax',
  ],
];

/** The same with the way to help. */
const MISUSED: readonly (readonly [argv: string, stderr: string])[] = [
  [
    "node drain -monitor -enable ab",
    "The -monitor flag cannot be used with the '-enable' or '-disable' flags",
  ],
  [
    "node drain -disable -force ab",
    "-disable can't be combined with flags configuring drain strategy",
  ],
  ["node drain -enable -self ab", "Node ID must be specified if -self isn't being used"],
  ["node eligibility -enable -self ab", "Node ID must be specified if -self isn't being used"],
  ["node eligibility -enable ab cd", "Node ID must be specified if -self isn't being used"],
  [
    "job restart -on-error x web",
    'Invalid -on-error value "x": valid options are "ask" and "fail"',
  ],
  [
    "job restart web",
    'Invalid -on-error value "ask": "ask" cannot be used when terminal is not interactive',
  ],
  [
    "job restart -batch-wait ask web",
    'Invalid -batch-wait value "ask": "ask" cannot be used when terminal is not interactive',
  ],
  [
    "job restart -yes -batch-wait 3 web",
    'Invalid -batch-wait value "3": time: missing unit in duration "3"',
  ],
  [
    "job restart -yes -batch-size 0 web",
    'Invalid -batch-size value "0": number value must be greater than zero',
  ],
  [
    "job restart -yes -batch-size half web",
    'Invalid -batch-size value "half": batch size must be an integer or a percentage',
  ],
  ["job restart -yes -task a -all-tasks web", "The -all-tasks option cannot be used with -task"],
  ["job restart -yes -task a -reschedule web", "The -reschedule option cannot be used with -task"],
];

test("what cannot be meant is refused in the field's words, before anybody is asked", async () => {
  for (const [line, message, code = 1] of REFUSED) {
    const { exit, stdout, stderr } = await run(line.split(" "));
    assert.deepEqual({ exit, stdout, stderr }, { exit: code, stdout: "", stderr: `${message}\n` });
  }
  for (const [line, message] of MISUSED) {
    const argv = line.split(" ");
    const { exit, stdout, stderr } = await run(argv);
    const help = `For additional help try 'drover ${argv.slice(0, 2).join(" ")} -help'\n`;
    assert.deepEqual(
      { exit, stdout, stderr },
      { exit: 1, stdout: "", stderr: `${message}\n${help}` },
    );
  }
});

test("an agent that is not there is named with what was asked of it", async () => {
  const { exit, stderr } = await run(["node", "status"]);
  assert.equal(exit, 1);
  assert.equal(
    stderr,
    'Error querying node status: Get "http://127.0.0.1:4/v1/nodes": ' +
      "dial tcp 127.0.0.1:4: connect: connection refused\n",
  );
});

test("https spoken to a plain port is named as that", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const { stderr } = await run(["node", "status", `-address=https://127.0.0.1:${port}`]);
  assert.match(stderr, /http: server gave HTTP response to HTTPS client\n$/);
});

test("flags win over the environment", async () => {
  const argv = ["node", "status", "-address=http://127.0.0.1:5", "-region", "r"];
  const { stderr } = await run(argv, { NOMAD_ADDR: "http://127.0.0.1:4", NOMAD_NAMESPACE: "n" });
  assert.match(stderr, /"http:\/\/127\.0\.0\.1:5\/v1\/nodes\?namespace=n&region=r"/);
});

test("job init writes a job file that is valid, and never over another file", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "drover-test-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const inside = (...argv: string[]) => run(argv, undefined, directory);
  const text = (name: string) => readFileSync(join(directory, name), "utf8");
  for (const [name, ...argv] of [
    ["example.nomad.hcl", "job", "init"],
    ["short.hcl", "init", "-short", "short.hcl"],
  ] as const) {
    const { exit, stdout } = await inside(...argv);
    assert.deepEqual([exit, stdout], [0, `Example job file written to ${name}\n`]);
    // No agent answers here: what can be checked without one is.
    const verdict = await inside("validate", name);
    assert.equal(verdict.exit, 0, verdict.stderr);
    assert.match(verdict.stdout, /Job validation successful/);
  }
  assert.match(text("example.nomad.hcl"), /#/);
  assert.doesNotMatch(text("short.hcl"), /#/);
  const before = text("short.hcl");
  const again = await inside("job", "init", "short.hcl");
  assert.equal(again.exit, 1);
  assert.match(again.stderr, /Job file 'short\.hcl' already exists/);
  assert.equal(text("short.hcl"), before);
  assert.equal((await inside("job", "init", "-list-templates")).stdout, "example\n");
  assert.match(
    (await inside("job", "init", "-template", "no", "x")).stderr,
    /no example named "no"/,
  );
  assert.match((await inside("job", "init", "-connect", "x")).stderr, /-connect is not supported/);
  assert.throws(() => text("x"), /ENOENT/);
});

test("a server is not recovered where there is none, and nothing is made there", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "drover-recover-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const none = await run(["operator", "raft", "recover", "-yes"], {}, directory);
  assert.deepEqual([none.exit, none.stdout], [1, ""]);
  assert.match(none.stderr, /Missing -data-dir/);
  for (const more of [[], ["-yes"]]) {
    const argv = ["operator", "raft", "recover", "-data-dir", "data", ...more];
    const { exit, stdout, stderr } = await run(argv, {}, directory);
    assert.deepEqual([exit, stdout], [1, ""]);
    assert.ok(stderr.includes(join(directory, "data", "raft")), stderr);
    assert.match(stderr, /no member of a cluster lives here/);
  }
  assert.deepEqual(readdirSync(directory), []);
});
