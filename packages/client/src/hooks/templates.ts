/**
 * Templates with text of their own or from a file of the task: `{{ env "NAME" }}` is filled in,
 * any other action is refused by name rather than rendered wrongly.
 */
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { TaskStartError } from "@drover/drivers";
import type { Task, Template } from "@drover/model";
import { interpolate, type Lookup } from "../core/interpolate.ts";
import { resolveInside } from "../local/contained-path.ts";

/** Writes every template of the task; returns what those with `env = true` define. */
export async function renderTemplates(
  task: Task,
  directory: string,
  lookup: Lookup,
): Promise<Record<string, string>> {
  const variables: Record<string, string> = {};
  for (const template of task.templates) {
    const text = render(task, template, await sourceOf(template, directory, lookup), lookup);
    const target = resolveInside(directory, interpolate(template.destPath, lookup));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, text);
    await chmod(target, Number.parseInt(template.perms, 8));
    if (template.envvars) Object.assign(variables, parseVariables(text));
  }
  return variables;
}

async function sourceOf(template: Template, directory: string, lookup: Lookup): Promise<string> {
  if (template.embeddedTmpl !== "") return template.embeddedTmpl;
  const path = resolveInside(directory, interpolate(template.sourcePath, lookup));
  return await readFile(path, "utf8");
}

function render(task: Task, template: Template, text: string, lookup: Lookup): string {
  const { leftDelim: left, rightDelim: right } = template;
  let out = "";
  let rest = text;
  for (;;) {
    const at = rest.indexOf(left);
    if (at < 0) return out + rest;
    const end = rest.indexOf(right, at + left.length);
    const action = end < 0 ? "" : rest.slice(at + left.length, end).trim();
    const name = /^-?\s*env\s+"([^"]+)"\s*-?$/.exec(action)?.[1];
    if (name === undefined) {
      const what = `task ${task.name}: template action {{ ${action} }} is not supported yet`;
      throw new TaskStartError("unsupported", what, { retryable: false });
    }
    out += rest.slice(0, at) + (lookup.get(name) ?? "");
    rest = rest.slice(end + right.length);
  }
}

function parseVariables(text: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const line of text.split("\n")) {
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) continue;
    out[match[1]] = match[2].replace(/^(["'])(.*)\1$/, "$2");
  }
  return out;
}
