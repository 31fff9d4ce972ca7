/** What decoding carries along, and how it reports. */
import { type Diagnostic, errorAt, type Range } from "@drover/hcl";

export interface DecodeContext {
  readonly diagnostics: Diagnostic[];
  /** Free-form blocks, to be read last, and only when nothing else is wrong. */
  readonly deferred: (() => void)[];
}

export function report(cx: DecodeContext, where: Range, summary: string, detail: string): void {
  cx.diagnostics.push(errorAt(where, summary, detail));
}

export function reportUnsuitable(cx: DecodeContext, where: Range, problem: string): void {
  report(cx, where, "Unsuitable value type", `Unsuitable value: ${problem}`);
}
