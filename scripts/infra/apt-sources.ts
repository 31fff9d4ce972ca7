/** Where this machine installs its own packages from. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { InfraError } from "./run.ts";

/** The mirror of this machine's own release. */
export function mirror(): string {
  for (const file of globSync("/etc/apt/sources.list.d/*.sources")) {
    const uri = /^URIs:\s*(\S+)/m.exec(readFileSync(file, "utf8"));
    if (uri) return uri[1] as string;
  }
  for (const file of ["/etc/apt/sources.list", ...globSync("/etc/apt/sources.list.d/*.list")]) {
    if (!existsSync(file)) continue;
    const line = /^deb\s+(?:\[[^\]]*\]\s+)?(\S+)/m.exec(readFileSync(file, "utf8"));
    if (line) return line[1] as string;
  }
  throw new InfraError("no package source of this machine was found");
}

export function release(): { readonly codename: string } {
  const codename = /^VERSION_CODENAME=(\S+)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1];
  if (codename === undefined) throw new InfraError("this machine is not a Debian release");
  return { codename };
}
