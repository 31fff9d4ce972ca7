/**
 * Header names in the spelling that clients of this API know (`X-Nomad-Knownleader`): the names are
 * equal whatever their case, but scripts that grep responses expect this one (spec §8.1).
 */
import {
  type IncomingMessage,
  type OutgoingHttpHeader,
  type OutgoingHttpHeaders,
  ServerResponse,
} from "node:http";

/** `content-type` becomes `Content-Type`. */
export function headerName(name: string): string {
  return name.toLowerCase().replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
}

export class NamedResponse<R extends IncomingMessage = IncomingMessage> extends ServerResponse<R> {
  override setHeader(name: string, value: number | string | readonly string[]): this {
    return super.setHeader(headerName(name), value);
  }

  override writeHead(status: number, ...rest: unknown[]): this {
    const renamed = rest.map((part) =>
      typeof part === "object" && part !== null && !Array.isArray(part) ? rename(part) : part,
    );
    return super.writeHead(status, ...(renamed as [string, OutgoingHttpHeaders]));
  }
}

function rename(headers: object): Record<string, OutgoingHttpHeader | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [headerName(name), value]),
  );
}
