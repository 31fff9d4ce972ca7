/**
 * Which pinned images the engine has, remembered from one of its image events to the next: a start
 * must not wait for the daemon's answer while an allocation's slot is empty. Only what names its
 * own content is asked for here, so that a memory can be wrong in one way, that the image has just
 * gone; the engine then refuses the container.
 */
import type { DockerEngine } from "./engine.ts";

const EVENTS = `/events?filters=${encodeURIComponent(JSON.stringify({ type: ["image"] }))}?`;
/** More names than a node starts from; beyond it all are asked for anew. */
const IMAGES_MAX = 1_000;

export class KnownImages {
  readonly #engine: DockerEngine;
  readonly #found = new Set<string>();
  readonly #closed = new AbortController();
  /** Grows with each event: an answer asked for before one says nothing after it. */
  #age = 0;
  #hears = false;
  #listening: Promise<void> | null = null;

  constructor(engine: DockerEngine) {
    this.#engine = engine;
  }

  /** `pinned` is an id or a digest. Throws the engine's own error, 404 when it is not there. */
  async has(pinned: string): Promise<true> {
    if (this.#found.has(pinned)) return true;
    this.#listening ??= this.#listen();
    const age = this.#age;
    await this.#engine.call((docker) => docker.getImage(pinned).inspect());
    if (this.#hears && age === this.#age) {
      if (this.#found.size >= IMAGES_MAX) this.#found.clear();
      this.#found.add(pinned);
    }
    return true;
  }

  forget(): void {
    this.#age += 1;
    this.#found.clear();
  }

  close(): void {
    this.#closed.abort();
  }

  /** Until the daemon goes away; whoever asks next listens anew. */
  async #listen(): Promise<void> {
    const { signal } = this.#closed;
    try {
      const answer = await this.#engine.stream({ method: "GET", path: EVENTS, signal });
      // Forgotten without being closed, it must not keep the process.
      answer.socket.unref();
      // What was asked for before may have changed unheard.
      this.forget();
      this.#hears = true;
      for await (const _event of answer) this.forget();
    } catch {
      // What is wrong with the daemon, the question itself is told.
    }
    this.#hears = false;
    this.forget();
    if (!signal.aborted) this.#listening = null;
  }
}
