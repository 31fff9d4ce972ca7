/** The Debian package: program, systemd unit, configuration. */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { ROOT } from "../lib/files.ts";
import type { BuiltProgram } from "./program.ts";

const FILES = join(ROOT, "scripts", "package", "debian");
const CONFFILES = ["/etc/drover/drover.hcl"];
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/** Builds `dist/drover_VERSION_ARCH.deb` from the program and gives its path. */
export function buildDeb({ path: program, notices }: BuiltProgram): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    version: string;
  };
  const architecture = ARCHITECTURES[process.arch] ?? process.arch;
  const root = join(ROOT, ".build", "package", "deb");
  rmSync(root, { recursive: true, force: true });
  place(program, join(root, "usr/bin/drover"), 0o755);
  place(join(FILES, "drover.service"), join(root, "lib/systemd/system/drover.service"), 0o644);
  place(join(FILES, "drover.hcl"), join(root, "etc/drover/drover.hcl"), 0o640);
  place(join(ROOT, "LICENSE"), join(root, "usr/share/doc/drover/copyright"), 0o644);
  writeFileSync(join(root, "usr/share/doc/drover/third-party-licences"), notices);
  for (const script of ["postinst", "prerm", "postrm"]) {
    place(join(FILES, script), join(root, "DEBIAN", script), 0o755);
  }
  writeFileSync(join(root, "DEBIAN/conffiles"), `${CONFFILES.join("\n")}\n`);
  const control = [
    "Package: drover",
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    "Maintainer: The Drover authors <drover@localhost>",
    "Section: admin",
    "Priority: optional",
    "Depends: libc6, libstdc++6",
    "Recommends: docker.io | docker-ce",
    `Installed-Size: ${Math.ceil(statSync(program).size / 1024)}`,
    "Description: cluster orchestrator with rolling updates",
    " Runs containers and programs on a group of machines, and replaces them a few",
    " at a time when their job file changes.",
  ];
  writeFileSync(join(root, "DEBIAN/control"), `${control.join("\n")}\n`);
  const deb = join(ROOT, "dist", `drover_${version}_${architecture}.deb`);
  execFileSync("dpkg-deb", ["--root-owner-group", "-Zgzip", "-z6", "-b", root, deb]);
  return deb;
}

function place(from: string, to: string, mode: number): void {
  mkdirSync(join(to, ".."), { recursive: true });
  copyFileSync(from, to);
  chmodSync(to, mode);
}
