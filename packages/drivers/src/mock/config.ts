/** The mock driver's `config` block: what its pretended task does. */
import { ConfigReader, type DriverConfig } from "../config-reader.ts";

export interface MockOutput {
  readonly text: string;
  readonly repeat: number;
  readonly everyMs: number;
}

export interface MockConfig {
  readonly runForMs: number;
  readonly exitCode: number;
  readonly exitSignal: number;
  readonly exitMessage: string;
  /** "" = the start succeeds. */
  readonly startError: string;
  readonly startErrorRecoverable: boolean;
  readonly startBlockForMs: number;
  /** The task takes no notice of the stop signal for that long. */
  readonly killAfterMs: number;
  /** "" = signals succeed. */
  readonly signalError: string;
  readonly stdout: MockOutput;
  readonly stderr: MockOutput;
  readonly driverIp: string;
  readonly driverAdvertise: boolean;
  readonly driverPortMap: Readonly<Record<string, number>>;
}

const KNOWN = new Set(
  `run_for exit_code exit_signal exit_err_msg start_error start_error_recoverable start_block_for
  kill_after signal_error stdout_string stdout_repeat stdout_repeat_duration stderr_string
  stderr_repeat stderr_repeat_duration driver_ip driver_advertise driver_port_map exec_command
  fs_isolation plugin_exit_after`.split(/\s+/),
);

/** Throws TaskStartError (not retryable) that names the field. */
export function parseMockConfig(config: DriverConfig): MockConfig {
  const r = new ConfigReader("mock_driver", config, KNOWN);
  return {
    runForMs: r.durationMs("run_for"),
    exitCode: r.int("exit_code"),
    exitSignal: r.int("exit_signal"),
    exitMessage: r.text("exit_err_msg"),
    startError: r.text("start_error"),
    startErrorRecoverable: r.bool("start_error_recoverable"),
    startBlockForMs: r.durationMs("start_block_for"),
    killAfterMs: r.durationMs("kill_after"),
    signalError: r.text("signal_error"),
    stdout: output(r, "stdout"),
    stderr: output(r, "stderr"),
    driverIp: r.text("driver_ip"),
    driverAdvertise: r.bool("driver_advertise"),
    driverPortMap: portMap(r),
  };
}

function output(r: ConfigReader, stream: "stdout" | "stderr"): MockOutput {
  return {
    text: r.text(`${stream}_string`),
    repeat: r.int(`${stream}_repeat`),
    everyMs: r.durationMs(`${stream}_repeat_duration`),
  };
}

/** `label:port`. */
function portMap(r: ConfigReader): Readonly<Record<string, number>> {
  const text = r.text("driver_port_map");
  if (text === "") return {};
  const [label = "", port = ""] = text.split(":");
  if (label === "" || !Number.isInteger(Number(port)) || port === "") {
    throw r.invalid('field driver_port_map must be "label:port"');
  }
  return { [label]: Number(port) };
}
