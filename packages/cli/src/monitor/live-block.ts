/** The block of a followed deployment on a terminal: redrawn in place under a spinner. */
import type { Ui } from "../ui.ts";

const FRAMES = ["⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏", "⠋"];
const FRAME_MS = 200;
const ERASE_LINE = "\u001b[0G\u001b[2K";
const UP = "\u001b[1A";

export class LiveBlock {
  readonly #ui: Ui;
  readonly #title: string;
  #lines = 0;
  #text = "";
  #frame = 0;
  readonly #timer: NodeJS.Timeout;

  /** Begins to spin at once; `show` gives it something to say. */
  constructor(ui: Ui, shortId: string) {
    this.#ui = ui;
    this.#title = `Deployment "${shortId}"`;
    this.#paint();
    this.#timer = setInterval(() => this.#paint(), FRAME_MS);
  }

  show(text: string): void {
    this.#text = this.#below(text);
    this.#paint();
  }

  /** The last picture, under the status instead of the spinner. */
  end(status: string, text: string): void {
    this.stop();
    this.#erase();
    this.#text = this.#below(text);
    const mark = status === "successful" ? "✓" : "!";
    this.#ui.write(`  ${mark} ${this.#title} ${status}${this.#text}\n`);
    this.#lines = 0;
  }

  #below(text: string): string {
    return `\n    \n${indented(text)}${this.#ui.open("none")}`;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #paint(): void {
    this.#erase();
    const block = `  ${FRAMES[this.#frame++ % FRAMES.length]} ${this.#title} in progress...${this.#text}`;
    this.#ui.write(block);
    this.#lines = block.split("\n").length;
  }

  #erase(): void {
    if (this.#lines > 0) this.#ui.write(ERASE_LINE + (UP + ERASE_LINE).repeat(this.#lines - 1));
  }
}

function indented(text: string): string {
  return text.replace(/^/gm, "    ");
}
