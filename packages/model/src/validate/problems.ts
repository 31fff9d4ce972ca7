/**
 * Collects what is wrong with a job as a tree and writes it in the layout that users of such files
 * know (spec chapter 2 §2.1): `N errors occurred:`, one tab-indented line per problem whatever the
 * depth, and two newlines after each list.
 */
export class Problems {
  readonly #items: string[] = [];

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  /** The texts of the outermost problems, nested ones written out. */
  get items(): readonly string[] {
    return this.#items;
  }

  add(text: string): void {
    this.#items.push(text);
  }

  addIf(condition: boolean, text: string): void {
    if (condition) this.add(text);
  }

  /** The problems of a part as one of this: `<prefix><N errors occurred: …>`. */
  nest(prefix: string, part: Problems): void {
    if (!part.isEmpty) this.add(`${prefix}${part.text()}`);
  }

  /** The problems of a part among these, not as a list of their own. */
  merge(part: Problems): void {
    for (const item of part.items) this.add(item);
  }

  /** "" when there are none. */
  text(): string {
    const count = this.#items.length;
    if (count === 0) return "";
    const heading = count === 1 ? "1 error occurred:" : `${count} errors occurred:`;
    return `${heading}\n\t* ${this.#items.join("\n\t* ")}\n\n`;
  }
}

/** Quoted as the messages quote: with double quotes and escapes. */
export function quote(text: string): string {
  return JSON.stringify(text);
}
