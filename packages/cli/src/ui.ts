/** Where a command writes, and in which colours (spec chapter 7 §7.2, colour codes). */

export interface Ui {
  readonly isTerminal: boolean;
  readonly colors: boolean;
  /** A line on standard output. */
  output(text: string): void;
  /** Without a line's end. */
  write(text: string): void;
  /** A line on standard error, in the colour of errors. */
  error(text: string): void;
  warn(text: string): void;
  /** A line that is not wrapped in colour codes: monitors' `==>` lines. */
  info(text: string): void;
  /** A hint on standard error. */
  hint(text: string): void;
  bold(text: string): string;
  paint(color: Color, text: string): string;
}

export type Color = "red" | "green" | "yellow" | "lightYellow" | "blue" | "cyan";

const CODES: Readonly<Record<Color, string>> = {
  red: "31",
  green: "32",
  yellow: "33",
  lightYellow: "93",
  blue: "34",
  cyan: "36",
};

export interface UiStreams {
  readonly out: { write(text: string): unknown };
  readonly err: { write(text: string): unknown };
  readonly isTerminal: boolean;
  readonly colors: boolean;
}

export function createUi(streams: UiStreams): Ui {
  const { out, err, colors } = streams;
  const wrap = (code: string, text: string) => (colors ? `\u001b[${code}m${text}\u001b[0m` : text);
  return {
    isTerminal: streams.isTerminal,
    colors,
    output: (text) => out.write(`${wrap("0", text)}\n`),
    write: (text) => out.write(text),
    error: (text) => err.write(`${wrap("91", text)}\n`),
    warn: (text) => err.write(`${wrap("93", text)}\n`),
    info: (text) => out.write(`${text}\n`),
    hint: (text) => err.write(`${wrap("93", text)}\n`),
    bold: (text) => wrap("1", text),
    paint: (color, text) => wrap(CODES[color], text),
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
