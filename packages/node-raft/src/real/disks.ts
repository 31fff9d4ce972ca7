/**
 * A disk for each member: an ext4 file system of its own in a file, on a loop device. So it can be
 * full, slow, hang, and lose all that was not synced, while those of the others work on.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sleep } from "./pauses.ts";
import { runCommand } from "./run-command.ts";

const FOLDER_PREFIX = "raft-real-";
const SIZE = 96 << 20;
/** Taken in small pieces: how much the file system itself needs is not known. */
const LAST_BYTES = 4 << 20;
const UNMOUNT_TRIES = 50;
const UNMOUNT_AGAIN_MS = 20;
const RELEASE_TRIES = 1_500;
/** Writes to a device are counted there, whoever makes them. */
const THROTTLE = "/sys/fs/cgroup/blkio/blkio.throttle.write_iops_device";
/** `EXT4_IOC_SHUTDOWN` without flushing the journal: what the disk does not have yet is gone. */
const POWER_OFF =
  "open my $d, '<', $ARGV[0] or die $!; my $how = pack 'L', 2; ioctl $d, 0x8004587d, $how or die $!";

export const canThrottle = existsSync(THROTTLE);

export class RealDisk {
  readonly dir: string;
  readonly #image: string;

  private constructor(dir: string) {
    this.dir = dir;
    this.#image = `${dir}.img`;
  }

  static async open(dir: string): Promise<RealDisk> {
    const disk = new RealDisk(dir);
    mkdirSync(dir);
    writeFileSync(disk.#image, "");
    truncateSync(disk.#image, SIZE);
    await runCommand("mkfs.ext4", "-q", "-F", "-m", "0", disk.#image);
    await disk.#mount();
    return disk;
  }

  /** A process that has just ended may hold its files for a moment. */
  async close(): Promise<void> {
    for (let left = UNMOUNT_TRIES; ; left -= 1) {
      try {
        await runCommand("umount", this.dir);
        break;
      } catch (error) {
        if (left === 0) throw error;
        await sleep(UNMOUNT_AGAIN_MS);
      }
    }
    // A container that is being made has a copy of all mounts for a moment, and the file system
    // with it: mounted now, it would be the same one, as it was.
    for (let left = RELEASE_TRIES; isAttached(this.#image); left -= 1) {
      if (left === 0) throw new Error(`${this.#image} is still in use somewhere`);
      await sleep(UNMOUNT_AGAIN_MS);
    }
  }

  async fill(): Promise<void> {
    const { bfree, bsize } = statfsSync(this.dir);
    await runCommand("fallocate", "-l", String(bfree * bsize - LAST_BYTES), `${this.#ballast}0`);
    const rest = ["if=/dev/zero", `of=${this.#ballast}1`, "bs=4k"];
    await runCommand("dd", ...rest).catch((error: Error) => {
      if (!error.message.includes("No space left")) throw error;
    });
  }

  free(): void {
    for (const part of [0, 1]) rmSync(`${this.#ballast}${part}`, { force: true });
  }

  /** As many writes in a second; 0 = as fast as it can. */
  limitWrites(perSecond: number): void {
    const { dev } = statSync(this.dir);
    const major = (dev >> 8) & 0xfff;
    const minor = (dev & 0xff) | ((dev >> 12) & 0xfff00);
    writeFileSync(THROTTLE, `${major}:${minor} ${perSecond}`);
  }

  /** Whoever writes waits until `thaw`. */
  async freeze(): Promise<void> {
    await runCommand("fsfreeze", "--freeze", this.dir);
  }

  async thaw(): Promise<void> {
    await runCommand("fsfreeze", "--unfreeze", this.dir);
  }

  /** Everything on it fails from now on. */
  async losePower(): Promise<void> {
    await runCommand("perl", "-e", POWER_OFF, this.dir);
  }

  /** With what was durable; nobody may be using it. */
  async powerOn(): Promise<void> {
    await this.close();
    await this.#mount();
  }

  async #mount(): Promise<void> {
    await runCommand("mount", "-o", "loop", this.#image, this.dir);
  }

  get #ballast(): string {
    return join(this.dir, "ballast");
  }
}

function isAttached(image: string): boolean {
  const devices = readdirSync("/sys/block").filter((name) => name.startsWith("loop"));
  return devices.some((name) => {
    try {
      return readFileSync(`/sys/block/${name}/loop/backing_file`, "utf8").trim() === image;
    } catch (error) {
      // Nothing is attached to it.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw error;
    }
  });
}

/** Says why there are none. */
export async function openDisks(dir: string, count: number): Promise<RealDisk[] | string> {
  if (process.getuid?.() !== 0) return "disks of their own need root";
  const disks: RealDisk[] = [];
  try {
    await removeLeftOver();
    for (let i = 0; i < count; i += 1) disks.push(await RealDisk.open(join(dir, `disk${i}`)));
    return disks;
  } catch (error) {
    for (const disk of disks) await disk.close();
    return `no disks of their own: ${(error as Error).message}`;
  }
}

/** Of a run that was killed; the folders are named by `folderOfRun`. */
async function removeLeftOver(): Promise<void> {
  for (const line of readFileSync("/proc/mounts", "utf8").split("\n")) {
    const [, target = ""] = line.split(" ");
    const pid = new RegExp(`/${FOLDER_PREFIX}(\\d+)-`).exec(target)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) await runCommand("umount", target);
  }
}

/** Where everything of this run is. */
export function folderOfRun(): string {
  return mkdtempSync(join(tmpdir(), `${FOLDER_PREFIX}${process.pid}-`));
}
