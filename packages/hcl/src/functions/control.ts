/** Functions that look at expressions, not values; the evaluator knows how. */
import { NULL } from "../values/value.ts";
import { any, type Entry } from "./define.ts";

export function controlFunctions(): Entry[] {
  const call = () => NULL;
  return [
    ["try", { parameters: [], variadic: any("expressions"), call, special: "try" }],
    ["can", { parameters: [any("expression")], call, special: "can" }],
    ["convert", { parameters: [any("value"), any("type")], call, special: "convert" }],
  ];
}
