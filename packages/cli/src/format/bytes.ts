/** Amounts of memory and disk in the units of the field's tools. */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] as const;
export const MIB = 1024 * 1024;

/** `64 KiB`, `1.8 GiB`: one decimal below ten, none above. */
export function formatBytes(bytes: number): string {
  if (bytes < 10) return `${Math.max(0, bytes)} B`;
  const power = Math.min(Math.floor(Math.log(bytes) / Math.log(1024)), UNITS.length - 1);
  const value = Math.floor((bytes / 1024 ** power) * 10 + 0.5) / 10;
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${UNITS[power]}`;
}
