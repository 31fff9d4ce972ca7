/**
 * A job file → the request record of its job, or what is wrong with it: syntax, then variables,
 * then locals, then the job, and free-form blocks such as `config` only when all else is right.
 */
import {
  type Block,
  type Body,
  type Diagnostic,
  DynamicBody,
  decodeUtf8,
  EMPTY_SCOPE,
  errorAt,
  type FunctionTable,
  formatRange,
  hasErrors,
  object,
  type ParsedBody,
  parseBodyText,
  rangeText,
  type Scope,
  string,
  type Value,
  type VariableExpression,
} from "@drover/hcl";
import type { JobInput } from "@drover/model";
import type { DecodeContext } from "./decode/context.ts";
import { decodeJob } from "./decode/job.ts";
import { jobFunctions } from "./functions/host-functions.ts";
import type { JobFileHost } from "./host.ts";
import { assignFromEnvironment, assignFromFile, assignFromFlags } from "./variables/assign.ts";
import { evaluateLocals } from "./variables/locals.ts";
import {
  declareVariable,
  declareVariables,
  type Variables,
  variableValues,
} from "./variables/variable.ts";

export interface VariableInput {
  /** `name=value`, as given with `-var`. */
  readonly flags: readonly string[];
  /** Files given with `-var-file`, in order. */
  readonly varFiles: readonly VarFile[];
  /** The whole environment; `NOMAD_VAR_…` counts. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What stands in a file, or why it cannot be read: `open x.hcl: no such file or directory`. */
export type VarFile =
  | { readonly name: string; readonly text: string | Uint8Array }
  | { readonly name: string; readonly problem: string };

export interface JobFileOptions {
  /** Bytes, when they may not be UTF-8: that is reported with its place. */
  readonly text: string | Uint8Array;
  /** As the user named it; diagnostics begin with it. */
  readonly fileName: string;
  readonly variables?: VariableInput;
  readonly host: JobFileHost;
  /** A `-var` or `-var-file` name that the file does not declare is an error; true by default. */
  readonly strict?: boolean;
}

export interface ParsedJob {
  readonly job: JobInput | null;
  readonly diagnostics: readonly Diagnostic[];
  /** How they are printed: those of syntax and free-form blocks as the first and a count. */
  readonly layout: "first" | "list";
  /** The variable file that the diagnostics are about, when it is one. */
  readonly brokenVarFile: boolean;
}

const TOP = {
  attributes: [],
  blocks: [
    { type: "variable", labels: ["name"] },
    { type: "variables", labels: [] },
    { type: "locals", labels: [] },
    { type: "job", labels: ["name"] },
  ],
};

export function parseJobFile(options: JobFileOptions): ParsedJob {
  const { body, diagnostics } = parseText(options.fileName, options.text);
  const varFiles: Body[] = [];
  for (const file of options.variables?.varFiles ?? []) {
    const parsed = parseVarFile(file);
    if (hasErrors(parsed.diagnostics)) {
      return failed(parsed.diagnostics, { layout: "first", brokenVarFile: true });
    }
    varFiles.push(parsed.body);
  }
  if (hasErrors(diagnostics)) return failed(diagnostics, { layout: "first" });
  const content = body.content(TOP, diagnostics);
  if (hasErrors(diagnostics)) return failed(diagnostics, {});
  const cx: DecodeContext = { diagnostics, deferred: [] };
  const job = new JobFile(options, content.blocks, cx).decode(varFiles);
  if (job === null || hasErrors(diagnostics)) return failed(diagnostics, {});
  for (const readFreeForm of cx.deferred) readFreeForm();
  if (hasErrors(diagnostics)) return failed(diagnostics, { layout: "first" });
  return { job, diagnostics, layout: "list", brokenVarFile: false };
}

function parseVarFile(file: VarFile): ParsedBody {
  if ("text" in file) return parseText(file.name, file.text);
  const detail = `failed to read "${file.name}": ${file.problem}`;
  const parsed = parseText(file.name, "");
  return { ...parsed, diagnostics: [errorAt(null, "Failed to read file", detail)] };
}

function parseText(name: string, text: string | Uint8Array): ParsedBody {
  const source = { name, text: typeof text === "string" ? text : decodeUtf8(text) };
  return parseBodyText(source, EMPTY_SCOPE);
}

function failed(
  diagnostics: readonly Diagnostic[],
  how: { layout?: "first"; brokenVarFile?: boolean },
): ParsedJob {
  return { job: null, diagnostics, layout: "list", brokenVarFile: false, ...how };
}

class JobFile {
  readonly #options: JobFileOptions;
  readonly #blocks: readonly Block[];
  readonly #cx: DecodeContext;
  readonly #diagnostics: Diagnostic[];
  readonly #functions: FunctionTable;

  constructor(options: JobFileOptions, blocks: readonly Block[], cx: DecodeContext) {
    this.#options = options;
    this.#blocks = blocks;
    this.#cx = cx;
    this.#diagnostics = cx.diagnostics;
    this.#functions = jobFunctions(options.host);
  }

  decode(varFiles: readonly Body[]): JobInput | null {
    const out = this.#diagnostics;
    const variables = this.#variables(varFiles);
    const rules = jobFunctions({ ...this.#options.host, allowFiles: false });
    const values = object(variableValues(variables, rules, out));
    const scopeWith = (locals: ReadonlyMap<string, Value>): Scope => ({
      variables: new Map([
        ["var", values],
        ["local", object(locals)],
      ]),
      functions: this.#functions,
      parent: null,
      unknownVariable: keepForRunTime,
    });
    const locals = this.#ofType("locals");
    const localValues = evaluateLocals(locals, scopeWith, out);
    if (hasErrors(out)) return null;
    const block = this.#onlyJob();
    if (block === null) return null;
    const scope = scopeWith(localValues);
    const body = new DynamicBody(block.body.withScope(scope), scope);
    return decodeJob({ ...block, body }, this.#cx);
  }

  #ofType(type: string): Block[] {
    return this.#blocks.filter((block) => block.type === type);
  }

  #variables(varFiles: readonly Body[]): Variables {
    const out = this.#diagnostics;
    const variables: Variables = new Map();
    for (const block of this.#blocks) {
      if (block.type === "variable") declareVariable(block, variables, out);
      if (block.type === "variables") declareVariables(block.body, variables, out);
    }
    const { variables: input, strict = true } = this.#options;
    assignFromEnvironment(input?.env ?? {}, variables, out);
    for (const file of varFiles) assignFromFile(file, variables, strict, out);
    assignFromFlags(input?.flags ?? [], variables, strict, out);
    return variables;
  }

  /** Null when there is none, or more than one. */
  #onlyJob(): Block | null {
    const [block, ...others] = this.#ofType("job");
    if (block === undefined) {
      this.#diagnostics.push(errorAt(null, "Missing job block", "A job block is required"));
      return null;
    }
    for (const other of others) {
      const detail = `Only one block of type "job" is allowed. Previous definition was at ${formatRange(block.headerRange)}.`;
      this.#diagnostics.push(errorAt(other.headerRange, "Duplicate job block", detail));
    }
    return block;
  }
}

/** A name that is neither `var` nor `local` is one that the client knows when the task runs. */
function keepForRunTime(reference: VariableExpression): Value {
  return string(`\${${rangeText(reference.sequenceRange ?? reference.range)}}`);
}
