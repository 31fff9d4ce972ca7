/** The line that points to the web console, on standard error (spec chapter 7 §7.3). */
import type { CommandContext } from "../command.ts";

export async function printHint(
  context: CommandContext,
  text: string,
  path: string,
  options: { readonly monitor?: boolean } = {},
): Promise<void> {
  const { api, env, ui } = context;
  if (env.NOMAD_CLI_SHOW_HINTS === "false" || env.NOMAD_CLI_SHOW_HINTS === "0") return;
  const config = (await api.call("agentSelf")).doc.at("config").at("UI");
  if (!config.flag("Enabled") || !config.flag("ShowCLIHints")) return;
  const url = `${api.address}${path}`;
  if (ui.colors) {
    const title = `${ui.open("bold")}${ui.paint("magenta", `\n==> ${text}:`)}`;
    ui.warn(`${title} ${ui.paint("blue", url)}`);
  } else ui.warn(`\n\n==> ${text}: ${url}`);
  if (options.monitor) ui.warn("");
}
