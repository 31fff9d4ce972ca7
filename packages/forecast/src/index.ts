export { type Explanation, explain, type LiveReasons } from "./explain.ts";
