/** Where the records of this node's allocations are kept. */
import type { AllocRecord } from "./alloc-record.ts";

export interface AllocStore {
  /** First of all. `damaged` names copies, for the operator, of what could not be read. */
  load(): Promise<{ records: AllocRecord[]; damaged: string[] }>;
  /** Durable when it resolves. Never called twice at once for one allocation. */
  write(record: AllocRecord): Promise<void>;
  remove(allocId: string): Promise<void>;
  /** What was asked for before is written; nothing may be asked for after. */
  close(): Promise<void>;
}
