import assert from "node:assert/strict";
import test from "node:test";
import { fileURLToPath } from "node:url";
import type { JobInput } from "@drover/model";
import {
  encodeJobOutput,
  formatDiagnostics,
  type JobFileOptions,
  parseJobFile,
  parseJobJson,
} from "./index.ts";
import { nodeHost } from "./node-host.test.ts";

const host = nodeHost(fileURLToPath(new URL("./", import.meta.url)));
const NOTHING = { flags: [], varFiles: [], env: {} };

function parse(text: string, options: Partial<JobFileOptions> = {}) {
  return parseJobFile({ text, fileName: "f.nomad.hcl", host, ...options });
}

function job(text: string, options: Partial<JobFileOptions> = {}): JobInput {
  const parsed = parse(text, options);
  assert.ok(parsed.job !== null, formatDiagnostics(parsed));
  return parsed.job;
}

function problems(text: string, options: Partial<JobFileOptions> = {}): string {
  const parsed = parse(text, options);
  assert.equal(parsed.job, null);
  return formatDiagnostics(parsed);
}

const VARIABLE = 'variable "v" {\n  default = "default"\n}\njob "j" {\n  type = var.v\n}\n';

test("the label names the job unless id and name are written", () => {
  assert.equal(job('job "j" {}').id, "j");
  const named = job('job "j" {\n  id = "i"\n  name = "n"\n}\n');
  assert.deepEqual([named.id, named.name, named.priority], ["i", "n", null]);
});

test("a variable takes the default, then the environment, then files, then flags", () => {
  const env = { NOMAD_VAR_v: "env", NOMAD_VAR_other: "x", PATH: undefined };
  const varFiles = ["one", "two"].map((text) => ({
    name: `${text}.hcl`,
    text: `v = "${text}"\n`,
  }));
  const typeWith = (variables: typeof NOTHING | object) => {
    return job(VARIABLE, { variables: { ...NOTHING, ...variables } }).type;
  };
  assert.equal(typeWith({}), "default");
  assert.equal(typeWith({ env }), "env");
  assert.equal(typeWith({ env, varFiles }), "two");
  assert.equal(typeWith({ env, varFiles, flags: ["v=one", "v=a=b", "lonely"] }), "a=b");
});

test("a name that is not declared is refused, unless the caller is not strict", () => {
  const variables = { ...NOTHING, flags: ["ghost=1"] };
  assert.match(problems(VARIABLE, { variables }), /^<nil>: Undefined -var variable; A "ghost"/);
  assert.equal(job(VARIABLE, { variables, strict: false }).type, "default");
});

test("a variable file that cannot be read or understood stops everything", () => {
  const withFile = (content: { text: string } | { problem: string }) => {
    return problems(VARIABLE, {
      variables: { ...NOTHING, varFiles: [{ name: "x.hcl", ...content }] },
    });
  };
  assert.equal(
    withFile({ problem: "open x.hcl: no such file or directory" }),
    'unable to parse var file: <nil>: Failed to read file; failed to read "x.hcl": open x.hcl: no such file or directory',
  );
  assert.match(withFile({ text: "v = \n" }), /^unable to parse var file: x\.hcl:1,5-2,1: Invalid/);
});

test("locals may stand in any order, and a circle is reported", () => {
  const text = `locals {\n  b = "\${local.a}!"\n  a = "x"\n}\njob "j" {\n  type = local.b\n}\n`;
  assert.equal(job(text).type, "x!");
  const circle = 'locals {\n  a = local.b\n  b = local.a\n}\njob "j" {}\n';
  assert.match(problems(circle), /This object does not have an attribute named "[ab]"/);
});

test("names that only the client knows are kept as they are written", () => {
  const { meta } = job(
    `job "j" {\n  meta {\n    a = "x-\${ attr.a.b }"\n    b = NOMAD_X\n  }\n}\n`,
  );
  assert.deepEqual(meta, { a: `x-\${ attr.a.b }`, b: `\${NOMAD_X}` });
});

test("free-form blocks are looked at last, and told as the first problem and a count", () => {
  const config = (inner: string) =>
    `job "j" {\n  group "g" {\n    task "t" {\n      config {\n${inner}      }\n    }\n  }\n}\n`;
  assert.equal(
    problems(config("        a = var.no\n        b = 1\n")),
    'f.nomad.hcl:5,16-19: Unsupported attribute; This object does not have an attribute named "no"., and 1 other diagnostic(s)',
  );
  const task = job(config("        n = 9007199254740993\n        f = 1e30\n        z = null\n"))
    .taskGroups?.[0]?.tasks?.[0];
  assert.equal(JSON.stringify(task?.config), '{"n":9007199254740993,"f":1e+30}');
});

test("file functions are refused where files may not be read", () => {
  const text = 'job "j" {\n  type = file("paths.ts")\n}\n';
  const refused = problems(text, { host: { ...host, allowFiles: false } });
  assert.match(refused, /Call to function "file" failed: filesystem function disabled\./);
  assert.equal(job('job "j" {\n  type = basename("a/b")\n}\n').type, "b");
});

test("the output escapes what means something in HTML", () => {
  const text = encodeJobOutput(job('job "j" {\n  type = "<&>"\n}\n'));
  assert.ok(text.startsWith('{\n    "Job": {\n'));
  assert.ok(text.includes('"Type": "\\u003c\\u0026\\u003e"'));
});

test("JSON of the API is read in any letter case, with or without its wrapper", () => {
  for (const text of ['{"job": {"id": "a", "PRIORITY": 5}}', '{"ID": "a", "Priority": 5}']) {
    const parsed = parseJobJson(text);
    assert.ok(parsed.ok);
    assert.deepEqual([parsed.job.id, parsed.job.priority, parsed.job.name], ["a", 5, null]);
  }
  const broken = parseJobJson('{"Job": {"ID": 5}}');
  assert.ok(!broken.ok);
  assert.equal(
    broken.message,
    "json: cannot unmarshal number into Go struct field Job.Job.ID of type string",
  );
});

function updateOf(body: string): string {
  return `job "j" {\n  group "g" {\n    update {\n      ${body}\n    }\n  }\n}\n`;
}

test("max_parallel and max_surge are counts or percentages", () => {
  const read = (body: string) => {
    const update = job(updateOf(body)).taskGroups?.[0]?.update;
    return [
      update?.maxParallel,
      update?.maxParallelPercent,
      update?.maxSurge,
      update?.maxSurgePercent,
    ];
  };
  assert.deepEqual(read('max_parallel = "25%"'), [null, 25, null, null]);
  assert.deepEqual(read('max_parallel = format("%d%%", 25)\nmax_surge = "50%"'), [
    null,
    25,
    null,
    50,
  ]);
  assert.deepEqual(read('max_surge = "0%"'), [null, null, 0, null]);
  assert.deepEqual(read("max_parallel = 3\nmax_surge = 1"), [3, null, 1, null]);
  assert.deepEqual(read('max_parallel = "3"'), [3, null, null, null]);
  const migrate =
    'job "j" {\n  group "g" {\n    migrate {\n      max_parallel = "50%"\n    }\n  }\n}\n';
  assert.equal(job(migrate).taskGroups?.[0]?.migrate?.maxParallelPercent, 50);
  const output = encodeJobOutput(job(updateOf('max_parallel = "25%"')));
  assert.match(output, /"MaxParallelPercent": 25/);
});

test("a bad percentage is refused where it stands", () => {
  const text = "a percentage must be a whole number from";
  assert.match(
    problems(updateOf('max_parallel = "0%"')),
    new RegExp(`f.nomad.hcl:4,23-25: .* Unsuitable value: ${text} 1% to 100%, not "0%"`),
  );
  assert.match(problems(updateOf('max_surge = "250%"')), new RegExp(`${text} 0% to 100%`));
  assert.match(problems(updateOf('max_surge = "many"')), /f.nomad.hcl:4,20.*a number is required/);
  assert.match(problems(updateOf("max_parallel_percent = 5")), /Unsupported argument/);
});
