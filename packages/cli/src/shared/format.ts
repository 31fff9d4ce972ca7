/** `-json` and `-t`: answers as data instead of text (spec chapter 7 §7.3). */
import type { Json } from "@drover/model";
import { type CommandContext, CommandError } from "../command.ts";
import { prettyAnswer } from "../exact-json.ts";

/** Whether one of the two was given. */
export function wantsData({ flags }: CommandContext): boolean {
  return flags.bool("json") || flags.string("t") !== "";
}

/** `typeName` stands for the data in a template's errors. */
export async function printData(
  { flags, ui }: CommandContext,
  data: Json,
  typeName = "interface {}",
): Promise<number> {
  const template = flags.string("t");
  if (flags.bool("json") && template !== "") {
    throw new CommandError("Both json and template formatting are not allowed");
  }
  if (template === "") {
    ui.output(prettyAnswer(data));
    return 0;
  }
  ui.output(await renderWith(template, data, typeName));
  return 0;
}

export async function renderWith(template: string, data: Json, typeName: string): Promise<string> {
  const { renderTemplate } = await import("../template/render.ts");
  try {
    return renderTemplate(template, data, typeName);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "TemplateError") throw error;
    throw new CommandError(`Error formatting the data: ${error.message}`);
  }
}
