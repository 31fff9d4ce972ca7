/** The JSON that `job run -output` prints (spec chapter 1 §1.16). */
import { encodeInput, type JobInput, jobSchema } from "@drover/model";

const ESCAPED = /[<>&\u2028\u2029]/g;

/** Indented by four spaces; characters that mean something in HTML are escaped. */
export function encodeJobOutput(job: JobInput): string {
  const text = JSON.stringify({ Job: encodeInput(jobSchema, job) }, null, 4);
  return text.replace(ESCAPED, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
