#!/usr/bin/env node
/**
 * What the timeline player calls to kill, start and restart agents: asks the test that owns them
 * (`timeline-host.ts`) and exits with 0 when it is done.
 *
 * usage: cluster-hook.ts VERB [NODE]
 * environment: DROVER_HOOK_URL
 */
const answer = await fetch(`${process.env.DROVER_HOOK_URL}/${process.argv.slice(2).join("/")}`, {
  method: "POST",
});
if (!answer.ok) {
  console.error(await answer.text());
  process.exitCode = 1;
}
