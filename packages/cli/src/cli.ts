/** The program as a function: finds the command of the words given, parses its flags, runs it. */
import { errorText } from "@drover/base";
import { ApiClient } from "./api-client.ts";
import {
  type Command,
  type CommandContext,
  CommandError,
  commandName,
  type FlagSpec,
  type Flags,
  GENERAL_FLAGS,
  PROGRAM,
  SeveralMatches,
} from "./command.ts";
import { findCommand, helpForWords } from "./commands/registry.ts";
import { parseFlags } from "./flags.ts";
import { commandHelp } from "./help.ts";
import { createUi, type Ui, type UiStreams, wantsColors } from "./ui.ts";

const DEFAULT_ADDRESS = "http://127.0.0.1:4646";
const UNKNOWN_COMMAND = 127;

/** Everything of the outside that a command may touch. */
export interface CliWorld {
  readonly out: UiStreams["out"];
  readonly err: UiStreams["err"];
  readonly isTerminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
  /** Path that the program was started by. */
  readonly programPath: string;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly stdin: () => Promise<string>;
  readonly line: () => Promise<string | null>;
  readonly interrupted: () => AbortSignal;
}

/** Runs one command line (without the program); gives its exit code. */
export async function runCli(argv: readonly string[], world: CliWorld): Promise<number> {
  const found = await findCommand(argv);
  if (found.kind === "help") {
    world.out.write(await helpForWords(found.words));
    return found.exitCode < 0 ? UNKNOWN_COMMAND : found.exitCode;
  }
  const { command, words } = found;
  const misuseExit = command.misuseExit ?? 1;
  const specs: readonly FlagSpec[] = command.local
    ? command.flags
    : [...GENERAL_FLAGS, ...command.flags];
  const parsed = parseFlags(argv.slice(words.length), specs);
  if (!parsed.ok) {
    world.out.write(commandHelp(command));
    if (parsed.help) return 0;
    world.err.write(`${parsed.message}\n`);
    return misuseExit;
  }
  const { flags, args } = parsed;
  const ui = uiOf(flags, world);
  if (args.length < command.args.min || args.length > command.args.max) {
    reportMisuse(ui, command);
    return misuseExit;
  }
  return await runCommand(command, contextOf(argv, flags, args, ui, world));
}

function uiOf(flags: Flags, world: CliWorld): Ui {
  const { out, err, env, isTerminal } = world;
  const noColor = flags.bool("no-color") || env.NOMAD_CLI_NO_COLOR !== undefined;
  const forceColor = flags.bool("force-color") || env.NOMAD_CLI_FORCE_COLOR !== undefined;
  return createUi({
    out,
    err,
    isTerminal,
    colors: wantsColors({ noColor, forceColor, isTerminal }),
  });
}

function reportMisuse(ui: Ui, command: Command): void {
  const { message, helpFor = commandName(command) } = command.args;
  ui.error(message);
  if (helpFor !== null) ui.error(`For additional help try '${PROGRAM} ${helpFor} -help'`);
}

function contextOf(
  argv: readonly string[],
  flags: Flags,
  args: readonly string[],
  ui: Ui,
  world: CliWorld,
): CommandContext {
  const { env } = world;
  const namespace = flags.string("namespace") || env.NOMAD_NAMESPACE || "";
  const api = new ApiClient({
    address: flags.string("address") || env.NOMAD_ADDR || DEFAULT_ADDRESS,
    region: flags.string("region") || env.NOMAD_REGION || "",
    namespace,
    token: flags.string("token") || env.NOMAD_TOKEN || "",
  });
  const { directory, now, sleep, stdin, line, interrupted } = world;
  const commandLine = [world.programPath, ...argv];
  return {
    flags,
    args,
    ui,
    env,
    commandLine,
    api,
    namespace,
    directory,
    now,
    sleep,
    stdin,
    line,
    interrupted,
  };
}

async function runCommand(command: Command, context: CommandContext): Promise<number> {
  try {
    return await command.run(context);
  } catch (error) {
    const text = errorText(error);
    if (error instanceof SeveralMatches) {
      context.ui.output(text);
      return 0;
    }
    for (const line of text === "" ? [] : errorLines(text)) context.ui.error(line);
    return error instanceof CommandError ? error.exitCode : 1;
  }
}

/** The recommendation of help is a message of its own: on a terminal each is coloured by itself. */
function errorLines(text: string): string[] {
  const at = text.search(/\nFor additional help try '[^\n]*$/);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
