/** The images that tests and demo run, built without a registry: one static program each. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../lib/files.ts";
import { DOCKER_SOCKET, dockerCall } from "./docker.ts";
import { ensurePackages } from "./packages.ts";
import { hasCommand, InfraError, run } from "./run.ts";

interface Program {
  readonly name: string;
  readonly source: string;
  /** Where it lies in the image. */
  readonly path: string;
  /** Tag → compiler switches. */
  readonly tags: Readonly<Record<string, readonly string[]>>;
}

const SOURCES = join(ROOT, "test/support/images");

const GEO_API: Program = {
  name: "geo-api-server",
  source: join(SOURCES, "geo-api.c"),
  path: "geo-api",
  // `0.33` must never exist.
  tags: { "0.1": [], "0.2": [], "0.3": ["-DUNHEALTHY=1"], crash: ["-DCRASH_MS=50"] },
};

const STEADY: Program = {
  name: "steady-server",
  source: join(SOURCES, "steady.c"),
  path: "steady",
  tags: { "0.1": [], "0.2": [], "0.3": ["-DUNHEALTHY=1"] },
};

export async function ensureImages(): Promise<void> {
  for (const tag of Object.keys(GEO_API.tags)) await ensureGeoApi(tag, DOCKER_SOCKET);
  await ensureSteady(DOCKER_SOCKET);
  if (!(await hasImage("busybox:local", DOCKER_SOCKET))) await buildBusybox();
}

/** true: it was not there and has been built. */
export async function ensureGeoApi(tag: string, socketPath: string): Promise<boolean> {
  return await ensureTag(GEO_API, tag, socketPath);
}

/** What the drop measurements deploy. */
export async function ensureSteady(socketPath: string): Promise<void> {
  for (const tag of Object.keys(STEADY.tags)) await ensureTag(STEADY, tag, socketPath);
}

async function ensureTag(program: Program, tag: string, socketPath: string): Promise<boolean> {
  if (await hasImage(`${program.name}:${tag}`, socketPath)) return false;
  await build(program, tag, socketPath);
  return true;
}

async function hasImage(name: string, socketPath: string): Promise<boolean> {
  return (await dockerCall("GET", `/images/${name}/json`, { socketPath })).status === 200;
}

async function build(program: Program, tag: string, socketPath: string): Promise<void> {
  if (!hasCommand("gcc")) ensurePackages(["gcc", "libc6-dev"]);
  const { name, source, path } = program;
  const changes = [`ENTRYPOINT ["/${path}"]`, "ENV PORT=8080"];
  await fromFolder({ name, tag, changes, socketPath }, (root) => {
    const switches = [`-DVERSION="${tag}"`, ...(program.tags[tag] ?? [])];
    run("gcc", ["-O2", "-static", "-s", ...switches, "-o", join(root, path), source]);
  });
}

async function buildBusybox(): Promise<void> {
  ensurePackages(["busybox-static"]);
  const changes = ['CMD ["/bin/sh"]', "ENV PATH=/bin"];
  await fromFolder(
    { name: "busybox", tag: "local", changes, socketPath: DOCKER_SOCKET },
    (root) => {
      for (const folder of ["bin", "tmp", "etc"]) mkdirSync(join(root, folder));
      copyFileSync("/bin/busybox", join(root, "bin/busybox"));
      for (const name of run("/bin/busybox", ["--list"]).trim().split("\n")) {
        if (name !== "busybox") symlinkSync("busybox", join(root, "bin", name));
      }
      writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/:/bin/sh\n");
    },
  );
}

interface ImagePlan {
  readonly name: string;
  readonly tag: string;
  readonly changes: readonly string[];
  readonly socketPath: string;
}

/** Imports a folder, which `fill` fills, as an image of one layer. */
export async function fromFolder(plan: ImagePlan, fill: (root: string) => void): Promise<void> {
  const { name, tag, changes, socketPath } = plan;
  const root = mkdtempSync(join(tmpdir(), "drover-image-"));
  try {
    fill(root);
    const body = execFileSync("tar", ["-C", root, "-c", "."], { maxBuffer: 512 << 20 });
    const query = new URLSearchParams({ fromSrc: "-", repo: name, tag });
    for (const change of changes) query.append("changes", change);
    const made = await dockerCall("POST", `/images/create?${query}`, { body, socketPath });
    if (made.status !== 200) throw new InfraError(`image ${name}:${tag}: ${made.text}`);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
