/** What a command is: its words, flags and arguments, and what it does (spec chapter 7 §7.3). */
import type { ApiClient } from "./api-client.ts";
import type { Ui } from "./ui.ts";

export const PROGRAM = "drover";

export interface FlagSpec {
  readonly name: string;
  /**
   * `bool` takes `-x`, `-x=true`, `-x=false`; `list` may be repeated; `setting` is a boolean that
   * leaves things as they are when it is not written, so its value is.
   */
  readonly kind: "bool" | "string" | "list" | "int" | "duration" | "setting";
  readonly help: string;
  readonly default?: string;
}

export interface Flags {
  bool(name: string): boolean;
  string(name: string): string;
  /** Of kind `int`; 0 when it was not written and has no default. */
  int(name: string): number;
  list(name: string): readonly string[];
  /** Whether it was written. */
  has(name: string): boolean;
}

export interface CommandContext {
  readonly flags: Flags;
  readonly args: readonly string[];
  readonly ui: Ui;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the shell ran, then its words: for texts that repeat the command line. */
  readonly commandLine: readonly string[];
  readonly api: ApiClient;
  /** Namespace by flag, then environment; "" = not given. */
  readonly namespace: string;
  /** Directory that relative paths start from. */
  readonly directory: string;
  /** Epoch ms. */
  readonly now: () => number;
  /** Pauses for so many milliseconds. */
  readonly sleep: (ms: number) => Promise<void>;
  /** All of standard input. */
  readonly stdin: () => Promise<string>;
  /** The next line of standard input, null at its end. */
  readonly line: () => Promise<string | null>;
  /** Ends when the user interrupts; asking for it takes the signal's usual effect away. */
  readonly interrupted: () => AbortSignal;
}

export interface ArgsSpec {
  readonly min: number;
  readonly max: number;
  /** Said when there are fewer or more. */
  readonly message: string;
  /** Command whose help is recommended then: the command itself, unless another is named. */
  readonly helpFor?: string | null;
}

export interface Command {
  /** After the program's name: `job run [options] <path>`. */
  readonly usage: string;
  readonly summary: string;
  /** Longer text of `-help`, without the flags. */
  readonly description: string;
  readonly flags: readonly FlagSpec[];
  readonly args: ArgsSpec;
  /** Talks to no agent (no -address and friends). */
  readonly local?: true;
  /** Exit code for wrong flags and arguments; 1 when left out. */
  readonly misuseExit?: number;
  /** Exit code. */
  run(context: CommandContext): Promise<number>;
}

/** Ends a command with its message on stderr. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** What was asked for may be one of several things: an answer for who looks, not a mistake. */
export class SeveralMatches extends Error {
  override readonly name = "SeveralMatches";
}

/** A message, and where more help is: flags and arguments that do not go together. */
export function misuse(command: string, message: string, exitCode = 1): CommandError {
  return new CommandError(
    `${message}\nFor additional help try '${PROGRAM} ${command} -help'`,
    exitCode,
  );
}

/** `job run` of `job run [options] <path>`. */
export function commandName(command: Command): string {
  return /^[a-z][a-z -]*[a-z]/.exec(command.usage)?.[0] ?? command.usage;
}

/** Flags of every command that talks to an agent. */
export const GENERAL_FLAGS: readonly FlagSpec[] = [
  { name: "address", kind: "string", help: "Address of the agent's HTTP API." },
  { name: "region", kind: "string", help: "Region to forward the request to." },
  { name: "namespace", kind: "string", help: "Namespace to act in." },
  { name: "no-color", kind: "bool", help: "Print without colours." },
  { name: "force-color", kind: "bool", help: "Print colours also when no terminal is there." },
  { name: "ca-cert", kind: "string", help: "CA certificate file for HTTPS." },
  { name: "ca-path", kind: "string", help: "Directory of CA certificates for HTTPS." },
  { name: "client-cert", kind: "string", help: "Client certificate file for HTTPS." },
  { name: "client-key", kind: "string", help: "Key of the client certificate." },
  { name: "tls-server-name", kind: "string", help: "Name expected in the server's certificate." },
  { name: "tls-skip-verify", kind: "bool", help: "Do not verify the server's certificate." },
  { name: "token", kind: "string", help: "ACL token." },
];

export const VERBOSE: FlagSpec = { name: "verbose", kind: "bool", help: "Print whole ids." };
export const DETACH: FlagSpec = {
  name: "detach",
  kind: "bool",
  help: "Return at once instead of following the evaluation.",
};
/** Ways to print the answer itself. */
export const FORMAT_FLAGS: readonly FlagSpec[] = [
  { name: "json", kind: "bool", help: "Print the answer as JSON." },
  { name: "t", kind: "string", help: "Print the answer through a Go template." },
];
/** Accepted so that scripts run; there is no browser to open. */
export const OPEN_UI: FlagSpec = { name: "ui", kind: "bool", help: "Accepted for compatibility." };
