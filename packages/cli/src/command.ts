/** What a command is: its words, flags and arguments, and what it does (spec chapter 7 §7.3). */
import type { ApiClient } from "./api-client.ts";
import type { Ui } from "./ui.ts";

export interface FlagSpec {
  readonly name: string;
  /** `bool` takes `-x`, `-x=true`, `-x=false`; `list` may be repeated. */
  readonly kind: "bool" | "string" | "list";
  readonly help: string;
  readonly default?: string;
}

export interface Flags {
  bool(name: string): boolean;
  string(name: string): string;
  list(name: string): readonly string[];
  /** Whether it was written. */
  has(name: string): boolean;
}

export interface CommandContext {
  readonly flags: Flags;
  readonly args: readonly string[];
  readonly ui: Ui;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The words before the flags: `["job", "run"]`. */
  readonly words: readonly string[];
  /** Everything after the command's words, as written. */
  readonly rawArgs: readonly string[];
  readonly api: ApiClient;
  /** Namespace by flag, then environment; "" = not given. */
  readonly namespace: string;
  readonly region: string;
  /** Epoch ms. */
  readonly now: () => number;
  readonly stdin: () => Promise<string>;
  /** Ends when the user interrupts. */
  readonly interrupted: AbortSignal;
}

export interface Command {
  /** After the program's name: `job run [options] <path>`. */
  readonly usage: string;
  readonly summary: string;
  /** Longer text of `-help`, without the flags. */
  readonly description: string;
  readonly flags: readonly FlagSpec[];
  /** Bounds on the number of arguments and what is said when they are broken. */
  readonly args: { readonly min: number; readonly max: number; readonly message: string };
  /** Talks to no agent (no -address and friends). */
  readonly local?: true;
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
