/** dockerode without what it loads at once and we never use: a third of what an agent loads. */
import { registerHooks } from "node:module";
import type Docker from "dockerode";

/** For engines over SSH and for builds over gRPC. */
const UNUSED = /^(ssh2|@grpc\/.*)$/;
const SCHEME = "drover-unused:";

export async function loadDockerode(): Promise<typeof Docker> {
  const hooks = registerHooks({
    resolve(specifier, context, nextResolve) {
      if (!UNUSED.test(specifier)) return nextResolve(specifier, context);
      return { url: `${SCHEME}${specifier}`, format: "commonjs", shortCircuit: true };
    },
    load(url, context, nextLoad) {
      if (!url.startsWith(SCHEME)) return nextLoad(url, context);
      return { format: "commonjs", source: "module.exports = {};", shortCircuit: true };
    },
  });
  try {
    return (await import("dockerode")).default;
  } finally {
    hooks.deregister();
  }
}
