/** A Debian package unpacked, not installed: nothing of it starts, nothing else comes with it. */
import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mirror } from "./apt-sources.ts";
import { InfraError, isRoot, run } from "./run.ts";

export interface Unpacked {
  readonly name: string;
  /** Debian release that carries it. */
  readonly suite: string;
  readonly into: string;
}

/** Reads the package through a package list of its own: the machine's is left as it is. */
export function unpackPackage({ name, suite, into }: Unpacked): void {
  if (!isRoot()) throw new InfraError(`only root can fetch the package ${name}`);
  const work = mkdtempSync(join(tmpdir(), `drover-${name}-`));
  try {
    for (const folder of ["lists/partial", "cache/archives/partial", "parts"]) {
      mkdirSync(join(work, folder), { recursive: true });
    }
    const sources = [
      "Types: deb",
      `URIs: ${mirror()}`,
      `Suites: ${suite}`,
      "Components: main",
      "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg",
    ];
    writeFileSync(join(work, "parts/suite.sources"), `${sources.join("\n")}\n`);
    const options = [
      "Dir::Etc::SourceList=/dev/null",
      `Dir::Etc::SourceParts=${work}/parts`,
      `Dir::State::Lists=${work}/lists`,
      `Dir::Cache=${work}/cache`,
      "Acquire::Languages=none",
      "Acquire::Retries=3",
      "APT::Sandbox::User=root",
    ].flatMap((option) => ["-o", option]);
    run("apt-get", [...options, "-qq", "update"]);
    run("sh", ["-c", `cd ${work} && apt-get ${options.join(" ")} -qq download ${name}`]);
    const [archive] = globSync(join(work, `${name}_*.deb`));
    if (archive === undefined) throw new InfraError(`no package ${name} in ${suite}`);
    mkdirSync(into, { recursive: true });
    run("dpkg-deb", ["-x", archive, into]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
