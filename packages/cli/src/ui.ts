/** Where a command writes, and in which colours (spec chapter 7 §7.2, colour codes). */

export interface Ui {
  readonly isTerminal: boolean;
  readonly colors: boolean;
  /** A line on standard output. */
  output(text: string): void;
  /** As it is, without a line's end. */
  write(text: string | Uint8Array): void;
  /** As it is, on standard error. */
  writeError(text: string | Uint8Array): void;
  /** A line on standard error, in the colour of errors. */
  error(text: string): void;
  warn(text: string): void;
  /** A line that is not wrapped in colour codes: monitors' `==>` lines. */
  info(text: string): void;
  bold(text: string): string;
  paint(color: Color, text: string): string;
  /** A colour code that nothing closes; "" without colours. */
  open(style: Color | "bold" | "none"): string;
}

export type Color = "red" | "green" | "yellow" | "lightYellow" | "blue" | "cyan" | "magenta";

const CODES: Readonly<Record<Color | "bold" | "none", string>> = {
  none: "0",
  bold: "1",
  red: "31",
  green: "32",
  yellow: "33",
  blue: "34",
  magenta: "35",
  cyan: "36",
  lightYellow: "93",
};
const ERROR_CODE = "91";
const WARN_CODE = "93";

export interface Sink {
  write(text: string | Uint8Array): unknown;
}

export interface UiStreams {
  readonly out: Sink;
  readonly err: Sink;
  readonly isTerminal: boolean;
  readonly colors: boolean;
}

export function createUi(streams: UiStreams): Ui {
  const { out, err, colors } = streams;
  const open = (code: string) => (colors ? `\u001b[${code}m` : "");
  const wrap = (code: string, text: string) => `${open(code)}${text}${open(CODES.none)}`;
  // Whole lines are coloured only where they are looked at, not where `-force-color` is.
  const line = (code: string, text: string) => `${streams.isTerminal ? wrap(code, text) : text}\n`;
  return {
    isTerminal: streams.isTerminal,
    colors,
    output: (text) => out.write(line(CODES.none, text)),
    write: (text) => out.write(text),
    writeError: (text) => err.write(text),
    error: (text) => err.write(line(ERROR_CODE, text)),
    warn: (text) => err.write(line(WARN_CODE, text)),
    info: (text) => out.write(`${text}\n`),
    bold: (text) => wrap(CODES.bold, text),
    paint: (color, text) => wrap(CODES[color], text),
    open: (style) => open(CODES[style]),
  };
}

/** `-no-color` and its variable win over `-force-color`. */
export function wantsColors(options: {
  readonly noColor: boolean;
  readonly forceColor: boolean;
  readonly isTerminal: boolean;
}): boolean {
  if (options.noColor) return false;
  return options.forceColor || options.isTerminal;
}
