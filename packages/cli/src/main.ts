/** The program: finds the command of the words given, parses its flags, runs it. */
import { errorText } from "@drover/base";
import { ApiClient } from "./api-client.ts";
import {
  type Command,
  type CommandContext,
  CommandError,
  type FlagSpec,
  GENERAL_FLAGS,
} from "./command.ts";
import { findCommand, helpForWords } from "./commands/registry.ts";
import { parseFlags } from "./flags.ts";
import { commandHelp } from "./help.ts";
import { createUi, type Ui, wantsColors } from "./ui.ts";

const DEFAULT_ADDRESS = "http://127.0.0.1:4646";
const UNKNOWN_COMMAND = 127;

async function main(argv: readonly string[]): Promise<number> {
  const found = await findCommand(argv);
  const env = process.env;
  const isTerminal = process.stdout.isTTY === true;
  const streams = { out: process.stdout, err: process.stderr, isTerminal };
  if (found.kind === "help") {
    (found.exitCode === 0 ? process.stdout : streams.out).write(helpForWords(found.words));
    return found.exitCode === -1 ? UNKNOWN_COMMAND : found.exitCode;
  }
  const { command, words } = found;
  const rest = argv.slice(words.length);
  const specs: readonly FlagSpec[] = command.local
    ? command.flags
    : [...GENERAL_FLAGS, ...command.flags];
  const parsed = parseFlags(rest, specs);
  if (!parsed.ok) {
    process.stdout.write(commandHelp(command));
    if (!parsed.help) process.stderr.write(`${parsed.message}\n`);
    return parsed.help ? 0 : 1;
  }
  const { flags, args } = parsed;
  const ui = createUi({
    ...streams,
    colors: wantsColors({
      noColor: flags.bool("no-color") || env.NOMAD_CLI_NO_COLOR !== undefined,
      forceColor: flags.bool("force-color") || env.NOMAD_CLI_FORCE_COLOR !== undefined,
      isTerminal,
    }),
  });
  if (args.length < command.args.min || args.length > command.args.max) {
    ui.error(command.args.message);
    ui.error(`For additional help try '${PROGRAM} ${words.join(" ")} -help'`);
    return 1;
  }
  const region = flags.string("region") || env.NOMAD_REGION || "";
  const namespace = flags.string("namespace") || env.NOMAD_NAMESPACE || "";
  const api = new ApiClient({
    address: flags.string("address") || env.NOMAD_ADDR || DEFAULT_ADDRESS,
    region,
    namespace,
    token: flags.string("token") || env.NOMAD_TOKEN || "",
  });
  const interrupt = new AbortController();
  process.once("SIGINT", () => {
    interrupt.abort();
    // A second one, or a command that does not listen, ends at once.
    process.once("SIGINT", () => process.exit(130));
  });
  return await runCommand(command, {
    flags,
    args,
    ui,
    env,
    words,
    rawArgs: rest,
    api,
    namespace,
    region,
    now: Date.now,
    stdin: readStdin,
    interrupted: interrupt.signal,
  });
}

export const PROGRAM = "drover";

async function runCommand(command: Command, context: CommandContext): Promise<number> {
  try {
    return await command.run(context);
  } catch (error) {
    reportError(context.ui, error);
    return error instanceof CommandError ? error.exitCode : 1;
  }
}

function reportError(ui: Ui, error: unknown): void {
  const text = errorText(error);
  if (text !== "") ui.error(text);
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

process.exitCode = await main(process.argv.slice(2));
