/** Tells systemd how the service is doing (`Type=notify`); does nothing elsewhere. */
import { execFile } from "node:child_process";

function notify(state: string): Promise<void> {
  if (process.env.NOTIFY_SOCKET === undefined) return Promise.resolve();
  // Node has no datagram Unix sockets; systemd's own tool speaks for us.
  return new Promise((resolve) => {
    execFile("systemd-notify", [`--pid=${process.pid}`, state], () => resolve());
  });
}

export function notifyReady(): Promise<void> {
  return notify("READY=1");
}

export function notifyStopping(): Promise<void> {
  return notify("STOPPING=1");
}
