/** Keeps this machine's `Node` up to date and says when the servers should hear of a change. */
import { type Cancel, type Clock, errorText } from "@drover/base";
import type { ServiceDiscovery } from "@drover/discovery";
import type { DriverFingerprint, TaskDriver } from "@drover/drivers";
import type { Node } from "@drover/model";
import type { ClientOptions, Log } from "../options.ts";
import type { ClientDisk } from "../state/client-disk.ts";
import type { NodeIdentity } from "../state/identity.ts";
import type { HostFacts } from "./host.ts";
import { buildNode } from "./node-record.ts";

export interface FingerprintDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly drivers: readonly TaskDriver[];
  readonly discoveries: readonly ServiceDiscovery[];
  readonly identity: NodeIdentity;
  readonly disk: ClientDisk;
}

export class Fingerprinter {
  readonly #options: ClientOptions;
  readonly #deps: FingerprintDeps;
  readonly #host: HostFacts;
  #images: Record<string, string> = {};
  #node: Node;
  #changed: (node: Node) => void = () => undefined;
  #timer: Cancel | null = null;
  #stopped = false;

  private constructor(options: ClientOptions, deps: FingerprintDeps, first: Observed) {
    this.#options = options;
    this.#deps = deps;
    this.#host = first.host;
    this.#node = this.#build(first);
  }

  static async create(options: ClientOptions, deps: FingerprintDeps): Promise<Fingerprinter> {
    const host = await deps.disk.hostFacts(options.dataDir);
    return new Fingerprinter(options, deps, { host, ...(await observe(deps)) });
  }

  get node(): Node {
    return this.#node;
  }

  /** `changed` hears of every difference from now on. */
  start(changed: (node: Node) => void): void {
    this.#changed = changed;
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.();
  }

  /** Images that are on this machine now: the scheduler need not have them pulled first. */
  imagesPresent(digests: Readonly<Record<string, string>>): void {
    const images = { ...this.#images, ...digests };
    if (JSON.stringify(images) === JSON.stringify(this.#images)) return;
    this.#images = images;
    this.#replace({ ...this.#node, images });
  }

  #schedule(): void {
    const { clock } = this.#deps;
    const at = clock.now() + this.#options.fingerprintIntervalMs;
    this.#timer = clock.setTimer(at, () => void this.#refresh());
  }

  async #refresh(): Promise<void> {
    const observed = await observe(this.#deps);
    if (this.#stopped) return;
    const next = this.#build({ host: this.#host, ...observed });
    if (!sameFacts(this.#node, next)) this.#replace(next);
    this.#schedule();
  }

  #replace(node: Node): void {
    this.#node = node;
    this.#changed(node);
  }

  #build(observed: Observed): Node {
    return buildNode({
      options: this.#options,
      identity: this.#deps.identity,
      host: observed.host,
      drivers: observed.drivers,
      catalog: observed.catalog,
      images: this.#images,
      now: this.#deps.clock.now(),
    });
  }
}

interface Observed {
  readonly host: HostFacts;
  readonly drivers: ReadonlyMap<string, DriverFingerprint>;
  readonly catalog: Readonly<Record<string, string>>;
}

async function observe(deps: FingerprintDeps): Promise<Omit<Observed, "host">> {
  const drivers = new Map<string, DriverFingerprint>();
  for (const driver of deps.drivers) drivers.set(driver.name, await driver.fingerprint());
  let catalog: Record<string, string> = {};
  for (const discovery of deps.discoveries) {
    try {
      catalog = { ...catalog, ...(await discovery.fingerprint()) };
    } catch (error) {
      // The agent is useful without its catalog; health then simply cannot be seen.
      const fields = { provider: discovery.provider, error: errorText(error) };
      deps.log("warn", "fingerprinting service discovery failed", fields);
    }
  }
  return { drivers, catalog };
}

/** Times of observation do not count. */
function sameFacts(a: Node, b: Node): boolean {
  const facts = (node: Node): string =>
    JSON.stringify({
      ...node,
      statusUpdatedAt: 0,
      drivers: Object.entries(node.drivers).map(([name, d]) => [name, { ...d, updateTime: 0 }]),
    });
  return facts(a) === facts(b);
}
