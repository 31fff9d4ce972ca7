/** Which images a task needs before it can start (make before break, DESIGN §12.3). */
import type { Job, Node, Task, TaskGroup } from "@drover/model";

/** The image references of a task; empty when its driver has no images. */
export function taskImages(task: Task): string[] {
  if (task.driver !== "docker") return [];
  const { config } = task;
  if (config === null || typeof config !== "object" || Array.isArray(config)) return [];
  const { image } = config;
  return typeof image === "string" && image !== "" ? [image] : [];
}

/** Whether a node has anything to fetch for the group before it starts. */
export function needsImages(group: TaskGroup): boolean {
  return group.tasks.some((task) => taskImages(task).length > 0);
}

/**
 * F4: the tasks whose images are missing on the node, and stay what they are once fetched: of a tag
 * that moves, and of one that the registry is asked for at each start, nothing would be saved.
 */
export function tasksToFetch(node: Node, job: Job, group: TaskGroup): string[] {
  const toFetch = group.tasks.filter((task) => {
    if (mustPull(task)) return false;
    return taskImages(task).some((image) => !isMoving(image) && !hasImage(node, job, image));
  });
  return toFetch.map((task) => task.name);
}

/** `latest`, also where no tag is written. */
function isMoving(image: string): boolean {
  if (image.includes("@")) return false;
  const tag = image.slice(image.lastIndexOf("/") + 1).split(":")[1] ?? "latest";
  return tag === "latest";
}

/** Whether every image of the group is on the node, with the digest that this version means. */
export function hasImages(node: Node, job: Job, group: TaskGroup): boolean {
  return group.tasks.every((task) => {
    if (mustPull(task)) return false;
    return taskImages(task).every((image) => hasImage(node, job, image));
  });
}

function hasImage(node: Node, job: Job, image: string): boolean {
  const digest = node.images[image];
  if (digest === undefined) return false;
  const wanted = job.imageDigests[image];
  return wanted === undefined || wanted === digest;
}

/** `force_pull` asks the registry every time, so what the node holds proves nothing. */
function mustPull(task: Task): boolean {
  if (taskImages(task).length === 0) return false;
  const { config } = task;
  const options = config as { [key: string]: unknown };
  return options.force_pull === true || options.force_pull === "true";
}
