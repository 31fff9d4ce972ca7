/** `-json` and `-t`: answers as data instead of text (spec chapter 7 §7.3). */
import type { Json } from "@drover/model";
import { type CommandContext, CommandError } from "../command.ts";
import { prettyAnswer } from "../exact-json.ts";
import { applyForm, type Form } from "./api-forms.ts";

/** Whether one of the two was given. */
export function wantsData({ flags }: CommandContext): boolean {
  return flags.bool("json") || flags.string("t") !== "";
}

export async function printData(
  { flags, ui }: CommandContext,
  answer: Json,
  form: Form,
): Promise<number> {
  const template = flags.string("t");
  if (flags.bool("json") && template !== "") {
    throw new CommandError("Both json and template formatting are not allowed");
  }
  const data = applyForm(answer, form);
  ui.output(template === "" ? prettyAnswer(data) : await renderWith(template, data, form));
  return 0;
}

/** The data through a Go template; its errors name the form's type. */
export async function renderWith(template: string, data: Json, form: Form): Promise<string> {
  const { renderTemplate } = await import("../template/render.ts");
  try {
    return renderTemplate(template, data, form.type ?? "interface {}");
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "TemplateError") throw error;
    throw new CommandError(`Error formatting the data: ${error.message}`);
  }
}
