/** All functions that need nothing but their arguments. */
import type { FunctionTable } from "../eval/scope.ts";
import { cidrFunctions } from "./cidr.ts";
import { listFunctions } from "./collections.ts";
import { controlFunctions } from "./control.ts";
import { encodingFunctions } from "./encoding.ts";
import { formatFunctions } from "./format.ts";
import { mapFunctions } from "./maps.ts";
import { numberFunctions } from "./numbers.ts";
import { regexFunctions } from "./regex.ts";
import { stringFunctions } from "./strings.ts";
import { timeFunctions } from "./time.ts";
import { yamlFunctions } from "./yaml.ts";

export function standardFunctions(): FunctionTable {
  return new Map([
    ...numberFunctions(),
    ...stringFunctions(),
    ...listFunctions(),
    ...mapFunctions(),
    ...encodingFunctions(),
    ...formatFunctions(),
    ...timeFunctions(),
    ...regexFunctions(),
    ...cidrFunctions(),
    ...yamlFunctions(),
    ...controlFunctions(),
  ]);
}
