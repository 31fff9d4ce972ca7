/** `alloc fs`: the files of an allocation (spec chapter 7 §7.10). */
import { type Command, type CommandContext, CommandError, misuse, VERBOSE } from "../../command.ts";
import type { Doc } from "../../doc.ts";
import { formatBytes } from "../../format/bytes.ts";
import { table } from "../../format/columns.ts";
import { formatInstant } from "../../format/time.ts";
import { anyAllocOfJob, ownerAddress, readAlloc } from "../../shared/alloc.ts";
import { lastLines } from "../../shared/frames.ts";
import { followFrames, TAIL_FLAGS, tailOf } from "../../shared/tail.ts";

export const allocFsCommand: Command = {
  usage: "alloc fs [options] <allocation> <path>",
  summary: "Lists and prints the files of an allocation",
  description: "Lists a directory of an allocation, or prints a file of it.",
  flags: [
    { name: "H", kind: "bool", help: "Print sizes in bytes." },
    { name: "job", kind: "bool", help: "The argument is a job; one of its allocations is used." },
    { name: "group", kind: "string", help: "With -job: an allocation of this group." },
    { name: "stat", kind: "bool", help: "Show what the path is, not what is in it." },
    VERBOSE,
    ...TAIL_FLAGS,
  ],
  args: { min: 0, max: Number.POSITIVE_INFINITY, message: "" },
  async run(context) {
    const { api, args, flags, ui } = context;
    const [target, path = "/"] = args;
    if (target === undefined) {
      const what = flags.bool("job") ? "A job ID is required" : "An allocation ID is required";
      throw misuse("alloc fs", what);
    }
    if (args.length > 2) {
      throw misuse("alloc fs", "This command takes one or two arguments: <alloc-id> [<path>]");
    }
    const id = flags.bool("job")
      ? (await anyAllocOfJob(context, target, flags.string("group"))).text("ID")
      : target;
    const alloc = await readAlloc(context, id);
    const options = { params: { id: alloc.text("ID") }, query: { path } };
    const info = (await api.call("fsStat", options)).doc;
    if (flags.bool("stat")) {
      ui.output(fileTable([info], { bytes: flags.bool("H"), contentType: true }));
    } else if (info.flag("IsDir")) {
      const files = (await api.call("fsList", options)).doc.list();
      ui.output(fileTable(files, { bytes: flags.bool("H"), contentType: false }));
    } else await printFile(context, alloc, path, info);
    return 0;
  },
};

function fileTable(
  files: readonly Doc[],
  options: { readonly bytes: boolean; readonly contentType: boolean },
): string {
  const more = options.contentType ? ["Content Type"] : [];
  const rows = files.map((file) => [
    file.text("FileMode"),
    options.bytes ? String(file.num("Size")) : formatBytes(file.num("Size")),
    formatInstant(file.time("ModTime")),
    ...(options.contentType ? [file.text("ContentType")] : []),
    file.flag("IsDir") ? `${file.text("Name")}/` : file.text("Name"),
  ]);
  return table([["Mode", "Size", "Modified Time", ...more, "Name"], ...rows]);
}

async function printFile(
  context: CommandContext,
  alloc: Doc,
  path: string,
  info: Doc,
): Promise<void> {
  const { api, flags, ui } = context;
  const address = await ownerAddress(context, alloc);
  const params = { id: alloc.text("ID") };
  const region = api.region || "global";
  const tail = tailOf(context);
  if (flags.bool("f")) {
    const query = { offset: tail.offset, origin: "end", path, region };
    const stream = await api.stream("fsStream", { address, params, query });
    await followFrames(context, stream, ui.write, context.interrupted());
    return;
  }
  if (tail.origin === "start") {
    const stream = await api.stream("fsCat", { address, params, query: { path, region } });
    for await (const chunk of stream) ui.write(chunk as Buffer);
    return;
  }
  const offset = Math.max(0, info.num("Size") - tail.offset);
  const query = { limit: -1, offset, path, region };
  const stream = await api.stream("fsReadAt", { address, params, query });
  const pieces: Buffer[] = [];
  for await (const chunk of stream) pieces.push(chunk as Buffer);
  const all = Buffer.concat(pieces);
  if (tail.lines < 0) throw new CommandError("The number of lines must not be negative");
  ui.write(tail.lines > 0 ? lastLines(all, tail.lines) : all);
}
