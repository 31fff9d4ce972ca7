/**
 * What the engine has, remembered from one of its image events to the next: a start must not wait
 * for the daemon's answer while an allocation's slot is empty. Only presence is remembered, and
 * only while the events are heard; an image that goes in the same moment is missed by its start.
 */
import type Docker from "dockerode";
import type { DockerEngine } from "./engine.ts";

export type KnownImage = Pick<Docker.ImageInspectInfo, "Id" | "RepoDigests">;

const EVENTS = `/events?filters=${encodeURIComponent(JSON.stringify({ type: ["image"] }))}?`;
/** More names than a node starts from; beyond it all are asked for anew. */
const IMAGES_MAX = 1_000;

export class KnownImages {
  readonly #engine: DockerEngine;
  readonly #found = new Map<string, KnownImage>();
  readonly #closed = new AbortController();
  /** Grows with each event: an answer asked for before one says nothing after it. */
  #age = 0;
  #hears = false;
  #listening: Promise<void> | null = null;

  constructor(engine: DockerEngine) {
    this.#engine = engine;
  }

  /** By name, digest or id. Throws the engine's own error, 404 included. */
  async inspect(image: string): Promise<KnownImage> {
    const known = this.#found.get(image);
    if (known !== undefined) return known;
    this.#listening ??= this.#listen();
    const age = this.#age;
    const { Id, RepoDigests } = await this.#engine.call((d) => d.getImage(image).inspect());
    const found = { Id, RepoDigests };
    if (this.#hears && age === this.#age) {
      if (this.#found.size >= IMAGES_MAX) this.#found.clear();
      this.#found.set(image, found);
    }
    return found;
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
      this.#hears = true;
      for await (const _event of answer) this.#forget();
    } catch {
      // What is wrong with the daemon, the question itself is told.
    }
    this.#hears = false;
    this.#forget();
    if (!signal.aborted) this.#listening = null;
  }

  #forget(): void {
    this.#age += 1;
    this.#found.clear();
  }
}
