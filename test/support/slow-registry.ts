/** A registry of one image in two versions, each of whose layers takes its time. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DOCKER } from "./real-parts.ts";

const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
const CONFIG = "application/vnd.docker.container.image.v1+json";
const LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const NAME = "geo-api-server";

interface Blob {
  readonly digest: string;
  readonly body: Buffer;
  readonly type: string;
}

export class SlowRegistry {
  /** Layers asked for. */
  pulls = 0;
  /** Layers handed out, to the end. */
  pulled = 0;
  /** Of those asked for at one time. */
  mostAtOnce = 0;
  #atOnce = 0;
  readonly #blobs = new Map<string, Blob>();
  readonly #tags = new Map<string, Blob>();
  readonly #server: Server;
  readonly #layerMs: number;

  private constructor(layerMs: number) {
    this.#layerMs = layerMs;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  /** `tags` of the test image, from the engine that has them. */
  static async start(tags: readonly string[], layerMs: number): Promise<SlowRegistry> {
    const registry = new SlowRegistry(layerMs);
    for (const tag of tags) registry.#add(tag);
    await new Promise<void>((resolve) => registry.#server.listen(0, "127.0.0.1", resolve));
    return registry;
  }

  get repository(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}/${NAME}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #add(tag: string): void {
    const dir = mkdtempSync(join(tmpdir(), "drover-registry-"));
    try {
      const saved = join(dir, "image.tar");
      execFileSync("docker", ["-H", DOCKER, "save", "-o", saved, `${NAME}:${tag}`]);
      execFileSync("tar", ["-C", dir, "-xf", saved]);
      const [entry] = JSON.parse(readFileSync(join(dir, "manifest.json"), "utf8")) as {
        readonly Config: string;
        readonly Layers: readonly string[];
      }[];
      if (entry === undefined) throw new Error(`${NAME}:${tag} is not in ${saved}`);
      const config = this.#store(readFileSync(join(dir, entry.Config)), CONFIG);
      const layers = entry.Layers.map((path) => {
        return this.#store(gzipSync(readFileSync(join(dir, path))), LAYER);
      });
      const manifest = {
        schemaVersion: 2,
        mediaType: MANIFEST,
        config: describe(config),
        layers: layers.map(describe),
      };
      this.#tags.set(tag, this.#store(Buffer.from(JSON.stringify(manifest)), MANIFEST));
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }

  #store(body: Buffer, type: string): Blob {
    const digest = `sha256:${createHash("sha256").update(body).digest("hex")}`;
    const blob = { digest, body, type };
    this.#blobs.set(digest, blob);
    return blob;
  }

  #answer({ method, url = "" }: IncomingMessage, response: ServerResponse): void {
    const found = /^\/v2\/[^/]+\/(?:manifests|blobs)\/(.+)$/.exec(url)?.[1] ?? "";
    const blob = this.#tags.get(found) ?? this.#blobs.get(found);
    if (blob === undefined) {
      response.writeHead(url === "/v2/" ? 200 : 404).end();
      return;
    }
    const { body, digest, type } = blob;
    const send = () => {
      response.writeHead(200, {
        "Content-Type": type,
        "Content-Length": body.length,
        "Docker-Content-Digest": digest,
      });
      response.end(method === "HEAD" ? undefined : body);
    };
    if (type !== LAYER || method === "HEAD") {
      send();
      return;
    }
    this.pulls++;
    this.#atOnce++;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce);
    const timer = setTimeout(send, this.#layerMs);
    response.once("finish", () => this.pulled++);
    response.once("close", () => {
      clearTimeout(timer);
      this.#atOnce--;
    });
  }
}

function describe({ body, digest, type }: Blob) {
  return { mediaType: type, size: body.length, digest };
}
