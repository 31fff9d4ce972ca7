/**
 * Debian's etcd, for the tests and benches that compare with it. They start their own servers; this
 * fetches the program.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { release } from "./apt-sources.ts";
import { INFRA_DIR } from "./run.ts";
import { unpackPackage } from "./unpack.ts";

const HOME = join(INFRA_DIR, "etcd");
const BINARY = join(HOME, "usr/bin/etcd");

/** null = it has not been fetched. */
export function etcdProgram(): string | null {
  return existsSync(BINARY) ? BINARY : null;
}

export function ensureEtcd(): void {
  if (etcdProgram() !== null) return;
  unpackPackage({ name: "etcd-server", suite: release().codename, into: HOME });
}
