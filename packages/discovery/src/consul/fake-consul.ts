/** A stand-in for Consul that tests can stop, refuse with and hold back; for this package's tests. */
import http from "node:http";

interface FakeCheck {
  readonly CheckID: string;
  readonly Name: string;
  Status: string;
  Output: string;
  readonly ServiceID: string;
  ModifyIndex: number;
}

interface FakeService {
  readonly ID: string;
  readonly Meta: Record<string, string>;
  readonly Checks: { readonly CheckID: string; readonly Name: string; readonly Status?: string }[];
}

export class FakeConsul {
  readonly services = new Map<string, FakeService>();
  readonly checks = new Map<string, FakeCheck>();
  readonly requests: string[] = [];
  /** Results of script checks, in the order they came. */
  readonly updates: { readonly Status: string; readonly Output: string }[] = [];
  /** Status for every write; 0 = accept. */
  refuseWith = 0;
  /** What it accepts and never answers, by method and path; null = nothing. */
  silentOn: RegExp | null = null;
  /** The same, but it takes effect. */
  muteOn: RegExp | null = null;
  /** Set: a registration takes effect after it, whether or not its sender still waits. */
  registerGate: Promise<void> | null = null;
  /** The catalog keeps showing what the agent has dropped. */
  catalogLags = false;
  index = 100;
  readonly #held = new Set<() => void>();
  readonly #shown = new Set<string>();
  #server: http.Server | null = null;
  #port = 0;

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  async up(): Promise<void> {
    const server = http.createServer((request, answer) => {
      this.requests.push(`${request.method} ${request.url}`);
      readJson(request).then(
        async (body) => {
          if (this.silentOn?.test(`${request.method} ${request.url}`)) return;
          if (request.url?.includes("/service/register")) await this.registerGate;
          const isMute = this.muteOn?.test(`${request.method} ${request.url}`) === true;
          this.#route(request, isMute ? new http.ServerResponse(request) : answer, body);
        },
        () => answer.destroy(),
      );
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (server.address() as { port: number }).port;
  }

  async down(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
    this.#held.clear();
  }

  /** Everything registered is lost, as with a development agent. */
  forget(): void {
    this.services.clear();
    this.checks.clear();
    this.index = 1;
  }

  setStatus(serviceId: string, status: string): void {
    for (const check of this.checks.values()) {
      if (check.ServiceID !== serviceId) continue;
      check.Status = status;
      check.ModifyIndex = this.index + 1;
    }
    this.#changed();
  }

  #changed(): void {
    this.index++;
    for (const answer of [...this.#held]) answer();
  }

  #route(request: http.IncomingMessage, answer: http.ServerResponse, body: unknown): void {
    const url = new URL(request.url ?? "", "http://fake");
    const path = url.pathname.replace("/v1", "");
    if (request.method === "PUT") {
      this.#write(path, answer, body);
      return;
    }
    const reply = () => {
      this.#held.delete(reply);
      answer.setHeader("Content-Type", "application/json");
      answer.setHeader("X-Consul-Index", String(this.index));
      answer.end(JSON.stringify(this.#read(path)));
    };
    const index = Number(url.searchParams.get("index") ?? 0);
    if (index > 0 && index === this.index) this.#held.add(reply);
    else reply();
  }

  #read(path: string): unknown {
    if (path === "/agent/self") return { Config: { NodeName: "fake", Version: "1.8.7" } };
    if (path === "/health/node/fake") return [...this.checks.values()];
    if (path === "/agent/services") return Object.fromEntries(this.services);
    if (path !== "/catalog/node/fake") throw new Error(`the stand-in does not know ${path}`);
    const ids = this.catalogLags ? this.#shown : this.services.keys();
    return { Services: Object.fromEntries([...ids].map((id) => [id, { ID: id }])) };
  }

  #write(path: string, answer: http.ServerResponse, body: unknown): void {
    if (this.refuseWith !== 0) {
      answer.writeHead(this.refuseWith).end("refused by the test");
      return;
    }
    if (path === "/agent/service/register") this.#register(body as FakeService);
    if (path.startsWith("/agent/check/update/")) this.updates.push(body as never);
    const gone = /^\/agent\/service\/deregister\/(.+)$/.exec(path)?.[1];
    const check = /^\/agent\/check\/deregister\/(.+)$/.exec(path)?.[1];
    const wasThere =
      (gone === undefined || this.#deregister(decodeURIComponent(gone))) &&
      (check === undefined || this.checks.delete(decodeURIComponent(check)));
    if (!wasThere) {
      // As newer versions answer.
      answer.writeHead(404, { "Content-Type": "text/plain" });
      answer.end(
        `Unknown ID ${path}. Ensure that the ID is passed, not the name. ${".".repeat(80)}`,
      );
      return;
    }
    this.#changed();
    answer.end();
  }

  #register(service: FakeService): void {
    this.services.set(service.ID, service);
    this.#shown.add(service.ID);
    for (const { CheckID, Name, Status: wished = "critical" } of service.Checks) {
      // As Consul does: what is known of a check outlives its registration.
      const Status = this.checks.get(CheckID)?.Status ?? wished;
      const check = { CheckID, Name, Status, Output: "", ServiceID: service.ID };
      this.checks.set(CheckID, { ...check, ModifyIndex: this.index + 1 });
    }
  }

  #deregister(id: string): boolean {
    for (const check of [...this.checks.values()]) {
      if (check.ServiceID === id) this.checks.delete(check.CheckID);
    }
    return this.services.delete(id);
  }
}

async function readJson(request: http.IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text === "" ? null : JSON.parse(text);
}
