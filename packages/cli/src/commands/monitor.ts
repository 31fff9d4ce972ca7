/** `monitor`: the log of the asked agent as it is written (spec chapter 8 §8.7). */
import { errorText } from "@drover/base";
import { type Command, CommandError } from "../command.ts";
import { FrameDecoder } from "../shared/frames.ts";

export const monitorCommand: Command = {
  usage: "monitor [options]",
  summary: "Prints the log of the asked agent as it is written",
  description: "Prints the log of the asked agent as it is written, until it is interrupted.",
  flags: [
    { name: "log-level", kind: "string", default: "INFO", help: "Lines from this level on." },
  ],
  args: { min: 0, max: 0, message: "This command takes no arguments" },
  async run(context) {
    const { api, flags, ui } = context;
    const signal = context.interrupted();
    try {
      const query = { log_level: flags.string("log-level") };
      const stream = await api.stream("agentMonitor", { query });
      signal.addEventListener("abort", () => stream.destroy());
      const decoder = new FrameDecoder();
      for await (const chunk of stream) ui.write(decoder.push(chunk as Buffer));
    } catch (error) {
      if (!signal.aborted) throw new CommandError(`Error starting monitor: ${errorText(error)}`);
    }
    return 0;
  },
};
