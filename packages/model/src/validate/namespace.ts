import { Problems, quote } from "./problems.ts";

const NAME = /^[a-zA-Z0-9-]{1,128}$/;
const DESCRIPTION_MAX = 256;

/** What is wrong with a namespace, "" when nothing is (spec chapter 1: names are parts of paths). */
export function validateNamespace(name: string, description: string): string {
  const problems = new Problems();
  problems.addIf(!NAME.test(name), `invalid name ${quote(name)}. Must match regex ${NAME.source}`);
  problems.addIf(
    description.length > DESCRIPTION_MAX,
    `description longer than ${DESCRIPTION_MAX}`,
  );
  const text = problems.text();
  return text === "" ? "" : `Invalid namespace ${quote(name)}: ${text}`;
}
