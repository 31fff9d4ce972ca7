/** Host volumes that a group mounts (spec §6.3, "availability"). */
import type { Node, TaskGroup } from "@drover/model";
import type { NodeFilter } from "./filter.ts";

export class HostVolumeFilter implements NodeFilter {
  readonly #sources: readonly { readonly source: string; readonly readOnly: boolean }[];

  constructor(group: TaskGroup) {
    this.#sources = Object.values(group.volumes)
      .filter((volume) => volume.type === "host")
      .map(({ source, readOnly }) => ({ source, readOnly }));
  }

  explain(node: Node): string | null {
    const isMissing = this.#sources.some(({ source, readOnly }) => {
      const volume = node.hostVolumes[source];
      if (volume === undefined || volume === null) return true;
      const isReadOnly =
        typeof volume === "object" && !Array.isArray(volume) && volume.ReadOnly === true;
      return isReadOnly && !readOnly;
    });
    return isMissing ? "missing compatible host volumes" : null;
  }
}
