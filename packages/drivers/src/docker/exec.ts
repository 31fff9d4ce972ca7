/** A command inside a running container. */
import { PassThrough } from "node:stream";
import { DroverError, errorText } from "@drover/base";
import type Docker from "dockerode";
import type { ExecSession } from "../task-driver.ts";
import type { DockerEngine } from "./engine.ts";

/** Throws DroverError `exec-failed` when the engine refuses, e.g. because the task has ended. */
export async function execInContainer(
  engine: DockerEngine,
  containerId: string,
  options: { readonly command: readonly string[]; readonly tty: boolean },
): Promise<ExecSession> {
  const { exec, stream } = await openExec(engine, containerId, options);
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  if (options.tty) stream.pipe(stdout);
  else (await engine.client()).modem.demuxStream(stream, stdout, stderr);
  const exited = new Promise<number>((resolve) => {
    // An error is followed by a close, and the exit code is all there is to tell of either.
    stream.on("error", (error: Error) => stderr.write(`${error.message}\n`));
    stream.once("end", () => stream.destroy());
    stream.once("close", () => {
      void exitCode(engine, exec, stderr).then((code) => {
        stdout.end();
        stderr.end();
        resolve(code);
      });
    });
  });
  return {
    stdin: stream,
    stdout,
    stderr,
    exited,
    resize: async (height, width) => {
      await engine.call(() => exec.resize({ h: height, w: width }));
    },
    close: () => stream.destroy(),
  };
}

async function openExec(
  engine: DockerEngine,
  containerId: string,
  options: { readonly command: readonly string[]; readonly tty: boolean },
): Promise<{ exec: Docker.Exec; stream: import("node:stream").Duplex }> {
  try {
    const exec = await engine.call((docker) =>
      docker.getContainer(containerId).exec({
        Cmd: [...options.command],
        Tty: options.tty,
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
      }),
    );
    const stream = await engine.call(() =>
      exec.start({ hijack: true, stdin: true, Tty: options.tty }),
    );
    return { exec, stream };
  } catch (error) {
    throw new DroverError("exec-failed", `cannot run a command in the container`, { cause: error });
  }
}

/** Never rejects: a code that cannot be learnt is a failure with the reason on `stderr`. */
async function exitCode(
  engine: DockerEngine,
  exec: Docker.Exec,
  stderr: PassThrough,
): Promise<number> {
  try {
    const info = await engine.call(() => exec.inspect());
    return info.ExitCode ?? 0;
  } catch (error) {
    stderr.write(`exit code unknown: ${errorText(error)}\n`);
    return 1;
  }
}
