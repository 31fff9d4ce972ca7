/** Whether a path that a job names, from inside a task's directory, leaves the allocation's. */
export function escapesAllocation(path: string): boolean {
  // The task's directory lies one level below the allocation's.
  let depth = 1;
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    depth += part === ".." ? -1 : 1;
    if (depth < 0) return true;
  }
  return false;
}
