/** A reader of `/v1/event/stream` whose speed a test decides: it takes nothing while paused. */
import { request } from "node:http";

export interface EventLine {
  readonly Index?: number;
  readonly Events?: readonly {
    readonly Topic: string;
    readonly Type: string;
    readonly Key: string;
    readonly Payload: Record<string, unknown>;
  }[];
  readonly Gap?: { readonly From: number; readonly To: number };
  readonly Error?: string;
  readonly ResumeIndex?: number;
}

export class TestEventReader {
  readonly lines: EventLine[] = [];
  /** "" while it is open; "whole" when the other side ended it as it should. */
  ended = "";
  bytes = 0;
  readonly #request;
  readonly #onLine: (line: EventLine) => void;
  #begun: Buffer[] = [];
  #resume: () => void = () => undefined;

  constructor(
    address: string,
    query: string,
    options: { readonly paused?: boolean; readonly onLine?: (line: EventLine) => void } = {},
  ) {
    this.#onLine = options.onLine ?? ((line) => this.lines.push(line));
    const ended = (how: string) => {
      if (this.ended === "") this.ended = how;
    };
    const url = `http://${address}/v1/event/stream?${query}`;
    this.#request = request(url, { agent: false }, (response) => {
      const read = () => response.on("data", (data: Buffer) => this.#read(data));
      if (options.paused) this.#resume = read;
      else read();
      response.on("end", () => ended("whole"));
      response.on("error", (error) => ended(String(error)));
    });
    this.#request.on("error", (error) => ended(String(error)));
    this.#request.end();
  }

  resume(): void {
    this.#resume();
  }

  close(): void {
    this.#request.destroy();
  }

  #read(data: Buffer): void {
    this.bytes += data.byteLength;
    let from = 0;
    for (let to = data.indexOf(10); to >= 0; to = data.indexOf(10, from)) {
      const text = Buffer.concat([...this.#begun, data.subarray(from, to)]).toString();
      this.#begun = [];
      from = to + 1;
      this.#onLine(JSON.parse(text) as EventLine);
    }
    if (from < data.byteLength) this.#begun.push(data.subarray(from));
  }
}
