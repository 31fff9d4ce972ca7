/** Shows what the demo does: words, commands with their real output, and how long each took. */
import { spawn } from "node:child_process";
import { styleText } from "node:util";

export interface CommandResult {
  readonly code: number;
  readonly output: string;
}

export class DemoError extends Error {
  override readonly name = "DemoError";
}

export class Stage {
  readonly #program: readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  readonly #cwd: string;
  readonly #startedAt = performance.now();

  constructor(options: {
    readonly program: readonly string[];
    readonly env: Readonly<Record<string, string>>;
    readonly cwd: string;
  }) {
    this.#program = options.program;
    this.#env = options.env;
    this.#cwd = options.cwd;
  }

  say(text: string): void {
    console.log(`\n${styleText("bold", `# ${text}`)}`);
  }

  /**
   * Runs `drover ARGS`; an exit code that is not among the expected ones ends the demo. Its output
   * is in the result only when it is to be kept.
   */
  async drover(
    args: readonly string[],
    options: { readonly exit?: readonly number[]; readonly keep?: boolean } = {},
  ): Promise<CommandResult> {
    const { exit: expected = [0], keep = false } = options;
    console.log(`${styleText("cyan", `$ drover ${args.join(" ")}`)}`);
    const startedAt = performance.now();
    const result = await this.#run(args, keep);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(2);
    const exit = result.code === 0 ? "" : `, exit code ${result.code}`;
    console.log(styleText("dim", `  (${seconds} s${exit})`));
    if (!expected.includes(result.code)) {
      throw new DemoError(`drover ${args.join(" ")} ended with ${result.code}`);
    }
    return result;
  }

  get seconds(): string {
    return ((performance.now() - this.#startedAt) / 1000).toFixed(0);
  }

  #run(args: readonly string[], keep: boolean): Promise<CommandResult> {
    return new Promise((resolve, reject) => {
      const [command = "", ...first] = this.#program;
      const child = spawn(command, [...first, ...args], {
        cwd: this.#cwd,
        env: { ...process.env, ...this.#env },
        // On a terminal the commands draw for themselves, and redraw what they watch.
        stdio: ["ignore", keep ? "pipe" : "inherit", keep ? "pipe" : "inherit"],
      });
      let output = "";
      const show = (chunk: Buffer) => {
        output += chunk.toString("utf8");
        process.stdout.write(chunk);
      };
      child.stdout?.on("data", show);
      child.stderr?.on("data", show);
      child.on("error", reject);
      child.on("close", (code) => resolve({ code: code ?? 1, output }));
    });
  }
}
