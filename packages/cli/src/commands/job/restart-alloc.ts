/** One allocation of `job restart`: its tasks anew in place, or another in its stead. */
import { errorText } from "@drover/base";
import type { CommandContext } from "../../command.ts";
import type { Doc } from "../../doc.ts";
import { shortId } from "../../format/ids.ts";
import { quote } from "../../format/quote.ts";
import { formatInstant } from "../../format/time.ts";
import { placementLines } from "../../output/placement.ts";
import type { JobName } from "../../shared/lookup.ts";

/** What an allocation's restart came to; the batch goes on. */
export class RestartFailure extends Error {
  override readonly name = "RestartFailure";
}

/** There is no room for a replacement: the next one will find none either. */
export class PlacementMissing extends Error {
  override readonly name = "PlacementMissing";
}

export async function restartAlloc(
  context: CommandContext,
  job: JobName,
  alloc: Doc,
): Promise<void> {
  const one = new AllocRestart(context, job, alloc);
  try {
    await (context.flags.bool("reschedule") ? one.replace() : one.restart());
  } catch (error) {
    const what = `Error restarting allocation ${one.name}`;
    throw new RestartFailure(`${what}: ${errorText(error)}`, { cause: error });
  }
}

class AllocRestart {
  readonly #context: CommandContext;
  readonly #job: JobName;
  readonly #alloc: Doc;
  readonly name: string;

  constructor(context: CommandContext, job: JobName, alloc: Doc) {
    this.#context = context;
    this.#job = job;
    this.#alloc = alloc;
    this.name = this.#named(alloc.text("ID"));
  }

  async restart(): Promise<void> {
    const { flags } = this.#context;
    const tasks = flags.list("task");
    const allTasks = flags.bool("all-tasks");
    if (tasks.length === 0) {
      this.#line(`Restarting ${allTasks ? "all" : "running"} tasks in ${this.#where()}`);
      await this.#restartTask("", allTasks);
      return;
    }
    await Promise.all(
      [...new Set(tasks)]
        .filter((task) => this.#alloc.at("TaskStates").at(task).exists)
        .map(async (task) => {
          this.#line(`Restarting task ${quote(task)} in ${this.#where()}`);
          try {
            await this.#restartTask(task, false);
          } catch (error) {
            const reason = `Failed to restart task ${quote(task)}: ${errorText(error)}`;
            throw new Error(reason, { cause: error });
          }
        }),
    );
  }

  async #restartTask(task: string, allTasks: boolean): Promise<void> {
    await this.#context.api.call("clientAllocRestart", {
      params: { id: this.#alloc.text("ID") },
      query: { namespace: this.#job.namespace },
      body: { TaskName: task, AllTasks: allTasks },
    });
  }

  async replace(): Promise<void> {
    const { api, flags } = this.#context;
    const id = this.#alloc.text("ID");
    const query = {
      namespace: this.#job.namespace,
      ...(flags.bool("no-shutdown-delay") ? { no_shutdown_delay: true } : {}),
    };
    this.#line(`Rescheduling ${this.#where()}`);
    const stop = await api.call("allocStop", { params: { id }, query }).catch((error: unknown) => {
      throw new Error(`Failed to stop allocation: ${errorText(error)}`, { cause: error });
    });
    const over = new AbortController();
    try {
      await Promise.race([
        this.#untilReplaced(over.signal),
        this.#untilNoRoom(stop.index, over.signal),
      ]);
    } finally {
      over.abort();
    }
  }

  /** Replacements may fail and be replaced themselves: the last one counts. */
  async #untilReplaced(signal: AbortSignal): Promise<void> {
    const { api, flags } = this.#context;
    const first = this.#alloc.text("ID");
    let id = first;
    let index = 1;
    for (;;) {
      const query = { index, namespace: this.#job.namespace };
      const read = await api.call("allocRead", { params: { id }, query, signal });
      const next = read.doc.text("NextAllocation");
      const status = read.doc.text("ClientStatus");
      index = read.index;
      if (next !== "") {
        const replaced = `Allocation ${this.#named(id)} replaced by ${this.#named(next)}`;
        this.#line(`${replaced}, waiting for ${this.#named(next)} to start running`);
        id = next;
        index = 1;
      } else if (status === "running" && id !== first) {
        this.#line(`Allocation ${this.#named(id)} is ${quote(status)}`);
        return;
      } else if (status !== "running" && flags.bool("verbose")) {
        this.#line(`Allocation ${this.#named(id)} is ${quote(status)}`);
      }
    }
  }

  /** Ends by throwing, once an evaluation after the stop waits for room for this group. */
  async #untilNoRoom(stoppedAt: number, signal: AbortSignal): Promise<never> {
    const { api, ui } = this.#context;
    const { id, namespace } = this.#job;
    const group = this.#alloc.text("TaskGroup");
    let index = stoppedAt;
    for (;;) {
      const query = { index, namespace };
      const list = await api.call("jobEvaluations", { params: { id }, query, signal });
      for (const one of list.doc.list()) {
        if (one.num("CreateIndex") < stoppedAt || one.text("Status") !== "blocked") continue;
        const metric = one.at("FailedTGAllocs").at(group);
        if (!metric.exists) continue;
        const lines = placementLines(metric, "    ", ui).join("\n");
        const failed = `Evaluation ${this.#named(one.text("ID"))} has placement failures`;
        throw new PlacementMissing(`${failed} for group ${quote(group)}:\n${lines}`);
      }
      index = list.index;
    }
  }

  #where(): string {
    return `allocation ${this.name} for group ${quote(this.#alloc.text("TaskGroup"))}`;
  }

  #named(id: string): string {
    return quote(shortId(id, this.#context.flags.bool("verbose")));
  }

  #line(text: string): void {
    const { ui, now } = this.#context;
    ui.output(`    ${formatInstant(now())}: ${text}`);
  }
}
