/** A job in the JSON of the API (`-json`): `{"Job": …}` or the job itself. */

import { jsonProblem } from "@drover/hcl";
import { decodeInput, type JobInput, type Json, jobSchema } from "@drover/model";

export type ParsedJobJson = { ok: true; job: JobInput } | { ok: false; message: string };

/** The message is the text after `Failed to parse JSON job: `. */
export function parseJobJson(text: string): ParsedJobJson {
  let json: Json;
  try {
    json = JSON.parse(text) as Json;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { ok: false, message: jsonProblem(text, "document") ?? error.message };
  }
  const wrapped = memberOf(json, "job");
  const nested = wrapped !== undefined && wrapped !== null;
  const decoded = decodeInput(jobSchema, nested ? wrapped : json, { path: "Job" });
  const [message] = decoded.errors;
  return message === undefined ? { ok: true, job: decoded.value } : { ok: false, message };
}

/** Letter case does not matter. */
function memberOf(json: Json, lowerName: string): Json | undefined {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
  return Object.entries(json).find(([name]) => name.toLowerCase() === lowerName)?.[1];
}
