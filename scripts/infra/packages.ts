/** Debian packages: only what is missing, and no daemon is started by an installation. */

import { spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { InfraError, isRoot, run } from "./run.ts";

const POLICY = "/usr/sbin/policy-rc.d";
const APT = ["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3", "-qq"];

export function ensurePackages(names: readonly string[]): void {
  const missing = names.filter((name) => !isInstalled(name));
  if (missing.length === 0) return;
  if (!isRoot()) throw new InfraError(`install these packages first: ${missing.join(" ")}`);
  const ownPolicy = !existsSync(POLICY);
  if (ownPolicy) writeFileSync(POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    run("apt-get", [...APT, "update"], env);
    run("apt-get", [...APT, "install", "-y", "--no-install-recommends", ...missing], env);
  } finally {
    if (ownPolicy) rmSync(POLICY, { force: true });
  }
}

function isInstalled(name: string): boolean {
  const asked = spawnSync("dpkg", ["-s", name], { encoding: "utf8" });
  return asked.status === 0 && asked.stdout.includes("Status: install ok installed");
}
