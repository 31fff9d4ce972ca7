/** A small client of an agent's HTTP API, for tests: documents as they come. */
import assert from "node:assert/strict";

export type Doc = { readonly [key: string]: DocValue };
export type DocValue = string | number | boolean | null | Doc | readonly DocValue[];

export interface ApiReply {
  readonly status: number;
  readonly index: number;
  readonly text: string;
  readonly json: unknown;
}

/** Bounds how late it is noticed that the time is up. */
const HELD_WAIT = "2s";
const SEEN_MAX = 2_000;

export class TestApi {
  readonly address: string;

  constructor(address: string) {
    this.address = address;
  }

  async request(
    method: string,
    path: string,
    body?: unknown,
    timeoutMs = 30_000,
  ): Promise<ApiReply> {
    const { headers, status, text } = await this.#fetch(method, path, body, timeoutMs);
    const isJson = (headers.get("content-type") ?? "").includes("json");
    return {
      status,
      index: Number(headers.get("x-nomad-index") ?? 0),
      text,
      json: isJson && text !== "" ? JSON.parse(text) : null,
    };
  }

  async #fetch(method: string, path: string, body: unknown, timeoutMs: number) {
    // Not `AbortSignal.timeout`: each of those fires in the end, also long after the answer.
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(new Error("timeout")), timeoutMs);
    try {
      const response = await fetch(`http://${this.address}${path}`, {
        method,
        signal: limit.signal,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { headers: response.headers, status: response.status, text: await response.text() };
    } finally {
      clearTimeout(timer);
    }
  }

  /** The document; fails the test on any other status than 200. */
  async get<T = Doc>(path: string): Promise<T> {
    const reply = await this.request("GET", path);
    assert.equal(reply.status, 200, `GET ${path}: ${reply.text}`);
    return reply.json as T;
  }

  /**
   * By held queries, so that it is seen at once: each answer is looked at, and the next is asked
   * from its index. Fails with what was seen last.
   */
  async held<T>(
    path: string,
    reached: (value: T) => boolean,
    options: { readonly timeoutMs: number; readonly what: string; readonly index?: number },
  ): Promise<T> {
    const from = Date.now();
    let index = options.index ?? 0;
    for (;;) {
      const join = path.includes("?") ? "&" : "?";
      const reply = await this.request("GET", `${path}${join}index=${index}&wait=${HELD_WAIT}`);
      if (reached(reply.json as T)) return reply.json as T;
      if (Date.now() - from > options.timeoutMs) {
        const seen = reply.text.slice(0, SEEN_MAX);
        throw new Error(`waited ${options.timeoutMs} ms for ${options.what}; last seen: ${seen}`);
      }
      index = reply.index;
    }
  }

  async put<T = Doc>(path: string, body: unknown): Promise<T> {
    const reply = await this.request("PUT", path, body);
    assert.equal(reply.status, 200, `PUT ${path}: ${reply.text}`);
    return reply.json as T;
  }

  async delete<T = Doc>(path: string): Promise<T> {
    const reply = await this.request("DELETE", path);
    assert.equal(reply.status, 200, `DELETE ${path}: ${reply.text}`);
    return reply.json as T;
  }

  /** Registers a job file's text; `fields` go beside the job. */
  async run(hcl: string, fields: Record<string, unknown> = {}): Promise<JobWrite> {
    const Job = await this.put("/v1/jobs/parse", { JobHCL: hcl });
    return await this.put<JobWrite>("/v1/jobs", { Job, ...fields });
  }
}

export interface JobWrite {
  readonly EvalID: string;
  readonly JobModifyIndex: number;
  readonly Index: number;
}

export interface AllocDoc {
  readonly ID: string;
  readonly Name: string;
  readonly NodeID: string;
  readonly NodeName: string;
  readonly JobVersion: number;
  readonly DesiredStatus: string;
  readonly ClientStatus: string;
  readonly DesiredDescription: string;
  readonly CreateIndex: number;
  readonly DeploymentStatus: { readonly Healthy: boolean | null } | null;
  readonly TaskStates: Readonly<
    Record<string, { readonly State: string; readonly Restarts: number; readonly Events: Doc[] }>
  > | null;
}

export interface DeploymentDoc {
  readonly ID: string;
  readonly JobVersion: number;
  readonly Status: string;
  readonly StatusDescription: string;
  readonly TaskGroups: Readonly<
    Record<
      string,
      {
        readonly DesiredTotal: number;
        readonly PlacedAllocs: number;
        readonly HealthyAllocs: number;
        readonly UnhealthyAllocs: number;
      }
    >
  >;
}
