/** Reads the job file of a command, with its variables (spec chapter 1 §1.16, chapter 7 §7.14). */
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { JobInput } from "@drover/model";
import { type CommandContext, CommandError, type FlagSpec } from "../command.ts";
import { quote } from "../format/quote.ts";

export const JOB_FILE_FLAGS: readonly FlagSpec[] = [
  { name: "json", kind: "bool", help: "The file is a job in the API's JSON form." },
  { name: "hcl2-strict", kind: "bool", default: "true", help: "Refuse undeclared variables." },
  { name: "var", kind: "list", help: "name=value of a variable; may be repeated." },
  { name: "var-file", kind: "list", help: "File of variables; may be repeated." },
];

export interface JobFile {
  readonly job: JobInput;
  /** Region and namespace that the job names, as the query of what is done with it. */
  readonly query: Readonly<Record<string, string>>;
  readonly submission: {
    readonly Source: string;
    readonly Format: string;
    readonly VariableFlags: Readonly<Record<string, string>>;
    readonly Variables: string;
  };
}

/** Throws `Error getting job struct: …`. */
export async function readJobFile(
  context: CommandContext,
  path: string,
  exitCode = 1,
): Promise<JobFile> {
  const fail = (message: string) =>
    new CommandError(`Error getting job struct: ${message}`, exitCode);
  const { flags, directory } = context;
  if (flags.bool("json") && [...flags.list("var"), ...flags.list("var-file")].length > 0) {
    const reason = "cannot use variables with JSON files.";
    throw new CommandError(`Invalid job options: ${reason}`, exitCode);
  }
  const text = path === "-" ? await context.stdin() : readFile(resolve(directory, path));
  if (isProblem(text)) throw fail(`Error getting jobfile from ${quote(path)}: ${text.problem}`);
  const varFiles = flags.list("var-file").map((name) => {
    const content = readFile(resolve(directory, name));
    if (isProblem(content)) throw fail(unreadVariables(path, name, content.reason));
    return { name, text: content };
  });
  const { parseJob } = await import("./parse-job.ts");
  const parsed = parseJob({
    text,
    name: path === "-" ? "stdin" : path,
    isJson: flags.bool("json"),
    strict: flags.bool("hcl2-strict"),
    variables: { flags: flags.list("var"), varFiles, env: definedOnly(context.env) },
    directory,
  });
  if (!parsed.ok) throw fail(parsed.message);
  const { region, namespace } = parsed.job;
  return {
    job: {
      ...parsed.job,
      ...(flags.has("consul-namespace") && { consulNamespace: flags.string("consul-namespace") }),
      ...(flags.has("vault-namespace") && { vaultNamespace: flags.string("vault-namespace") }),
    },
    query: { ...(namespace ? { namespace } : {}), ...(region ? { region } : {}) },
    submission: {
      Source: String(text),
      Format: flags.bool("json") ? "json" : "hcl2",
      VariableFlags: pairsOf(flags.list("var")),
      Variables: varFiles.map((file) => String(file.text)).join("\n"),
    },
  };
}

function unreadVariables(jobFile: string, name: string, reason: string): string {
  const failure = `failed to read ${quote(name)}: open ${name}: ${reason}`;
  const where = `Error parsing job file from ${jobFile}:`;
  return `${where}\nunable to parse var file: <nil>: Failed to read file; ${failure}`;
}

interface Problem {
  /** The whole sentence. */
  readonly problem: string;
  /** The system's word for it. */
  readonly reason: string;
}

function isProblem(content: string | Buffer | Problem): content is Problem {
  return typeof content === "object" && "problem" in content;
}

/** Bytes: where they are no text, the parser says at which place. */
function readFile(path: string): Buffer | Problem {
  const info = statSync(path, { throwIfNoEntry: false });
  if (info === undefined) {
    const reason = "no such file or directory";
    return { problem: `source path error: stat ${path}: ${reason}`, reason };
  }
  if (info.isDirectory()) {
    return { problem: "source path must be a file", reason: "is a directory" };
  }
  try {
    return readFileSync(path);
  } catch (error) {
    const isDenied = (error as NodeJS.ErrnoException).code === "EACCES";
    if (!isDenied) throw error;
    const reason = "permission denied";
    return { problem: `open ${path}: ${reason}`, reason };
  }
}

function pairsOf(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    list.flatMap((pair) => {
      const at = pair.indexOf("=");
      return at < 0 ? [] : [[pair.slice(0, at), pair.slice(at + 1)]];
    }),
  );
}

function definedOnly(env: CommandContext["env"]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
