/** Restart, reschedule, update, migrate, disconnect and scaling policies (spec chapter 1). */
import { formatDuration, SECOND } from "@drover/base";
import { JobType } from "../job/job.ts";
import type { DisconnectStrategy, ReschedulePolicy, RestartPolicy } from "../job/restart.ts";
import type { ScalingPolicy } from "../job/task-parts.ts";
import type { MigrateStrategy, UpdateStrategy } from "../job/update.ts";
import { type Problems, quote } from "./problems.ts";

const RESTART_INTERVAL_MIN = 5 * SECOND;
const RESCHEDULE_INTERVAL_MIN = 15 * SECOND;
const RESCHEDULE_DELAY_MIN = 5 * SECOND;
const DELAY_FUNCTIONS = ["constant", "exponential", "fibonacci"];
const RECONCILE_OPTIONS = [
  "",
  "best_score",
  "longest_running",
  "keep_original",
  "keep_replacement",
];

export function validateRestart(policy: RestartPolicy, problems: Problems): void {
  const { attempts, interval, delay, mode } = policy;
  problems.addIf(mode !== "delay" && mode !== "fail", `Unsupported restart mode: ${quote(mode)}`);
  problems.addIf(
    attempts === 0 && mode !== "fail",
    `Restart policy ${quote(mode)} with 0 attempts is ambiguous`,
  );
  problems.addIf(
    interval < RESTART_INTERVAL_MIN,
    `Interval can not be less than ${formatDuration(RESTART_INTERVAL_MIN)} ` +
      `(got ${formatDuration(interval)})`,
  );
  problems.addIf(
    attempts * delay > interval,
    `Nomad can't restart the TaskGroup ${attempts} times in an interval of ` +
      `${formatDuration(interval)} with a delay of ${formatDuration(delay)}`,
  );
}

export function validateReschedule(policy: ReschedulePolicy, problems: Problems): void {
  const { attempts, interval, delay, delayFunction, maxDelay, unlimited } = policy;
  if (attempts <= 0 && !unlimited) return;
  if (attempts > 0) {
    problems.addIf(interval <= 0, "Interval must be a non zero value if Attempts > 0");
    if (unlimited) {
      problems.add(
        `Reschedule Policy with Attempts = ${attempts}, Interval = ${formatDuration(interval)}, ` +
          "and Unlimited = true is ambiguous",
      );
      problems.add("If Attempts >0, Unlimited cannot also be set to true");
    }
  }
  const least = formatDuration(RESCHEDULE_DELAY_MIN);
  const got = `(got ${formatDuration(delay)})`;
  const before = problems.items.length;
  problems.addIf(delay < RESCHEDULE_DELAY_MIN, `Delay cannot be less than ${least} ${got}`);
  problems.addIf(
    !DELAY_FUNCTIONS.includes(delayFunction),
    `Invalid delay function ${quote(delayFunction)}, ` +
      `must be one of [${DELAY_FUNCTIONS.map(quote).join(" ")}]`,
  );
  if (delayFunction !== "constant") {
    // The recorded text names the delay here too, not the ceiling.
    problems.addIf(
      maxDelay < RESCHEDULE_DELAY_MIN,
      `Max Delay cannot be less than ${least} ${got}`,
    );
    problems.addIf(
      maxDelay < delay,
      `Max Delay cannot be less than Delay ${formatDuration(delay)} ` +
        `(got ${formatDuration(maxDelay)})`,
    );
  }
  const delaysFit = problems.items.length === before;
  if (unlimited) return;
  problems.addIf(
    interval < RESCHEDULE_INTERVAL_MIN,
    `Interval cannot be less than ${formatDuration(RESCHEDULE_INTERVAL_MIN)} ` +
      `(got ${formatDuration(interval)})`,
  );
  if (delaysFit) addAttemptsProblem(policy, problems);
}

function addAttemptsProblem(policy: ReschedulePolicy, problems: Problems): void {
  const { attempts, interval, delay, delayFunction, maxDelay } = policy;
  const series = attemptSeries(policy);
  const needed = series.at(-1) ?? 0;
  const isConstant = delayFunction === "constant";
  const fits = delayFunction === "exponential" ? needed < interval : needed <= interval;
  if (fits) return;
  const possible = isConstant
    ? Math.floor(interval / delay)
    : series.filter((at) => at < interval).length;
  const text =
    `Nomad can only make ${possible} attempts in ${formatDuration(interval)} ` +
    `with initial delay ${formatDuration(delay)}`;
  const how = `delay function ${quote(delayFunction)}`;
  problems.add(
    isConstant
      ? `${text} and ${how}`
      : `${text}, ${how}, and delay ceiling ${formatDuration(maxDelay)}`,
  );
  problems.add(
    `Set the interval to at least ${formatDuration(needed)} to accommodate ${attempts} attempts`,
  );
}

/**
 * How long after the first failure each attempt comes, as the recorded server counts: a delay that
 * grows replaces the sum so far, and once it has reached its ceiling each attempt adds the ceiling.
 */
function attemptSeries(policy: ReschedulePolicy): number[] {
  const { attempts, delay, delayFunction, maxDelay } = policy;
  const series: number[] = [];
  for (let i = 0; i < attempts; i++) {
    const last = series[i - 1] ?? 0;
    if (delayFunction === "constant") {
      series.push(last + delay);
      continue;
    }
    const isFibonacci = delayFunction === "fibonacci";
    const grown = isFibonacci ? (i < 2 ? delay : last + (series[i - 2] ?? 0)) : 2 ** i * delay;
    series.push(grown > maxDelay ? last + maxDelay : grown);
  }
  return series;
}

export function validateUpdate(update: UpdateStrategy, problems: Problems): void {
  const duration = formatDuration;
  const { minHealthyTime, healthyDeadline, progressDeadline } = update;
  problems.addIf(
    !["checks", "task_states", "manual"].includes(update.healthCheck),
    `Invalid health check given: ${quote(update.healthCheck)}`,
  );
  problems.addIf(
    update.maxParallel < 0,
    `Max parallel can not be less than zero: ${update.maxParallel} < 0`,
  );
  validatePercent("Max parallel", update.maxParallelPercent, problems);
  validatePercent("Max surge", update.maxSurgePercent, problems);
  problems.addIf(
    update.maxSurge < 0,
    `Max surge can not be less than zero: ${update.maxSurge} < 0`,
  );
  problems.addIf(
    update.maxSurge > 0 && update.maxParallel === 0,
    "Max surge requires a Max parallel count greater than zero",
  );
  problems.addIf(update.canary < 0, `Canary count can not be less than zero: ${update.canary} < 0`);
  problems.addIf(
    update.canary === 0 && update.autoPromote,
    "Auto Promote requires a Canary count greater than zero",
  );
  problems.addIf(
    minHealthyTime < 0,
    `Minimum healthy time may not be less than zero: ${duration(minHealthyTime)}`,
  );
  problems.addIf(
    healthyDeadline <= 0,
    `Healthy deadline must be greater than zero: ${duration(healthyDeadline)}`,
  );
  problems.addIf(
    progressDeadline < 0,
    `Progress deadline must be zero or greater: ${duration(progressDeadline)}`,
  );
  problems.addIf(
    minHealthyTime >= healthyDeadline,
    "Minimum healthy time must be less than healthy deadline: " +
      `${duration(minHealthyTime)} > ${duration(healthyDeadline)}`,
  );
  problems.addIf(
    progressDeadline !== 0 && healthyDeadline >= progressDeadline,
    "Healthy deadline must be less than progress deadline: " +
      `${duration(healthyDeadline)} > ${duration(progressDeadline)}`,
  );
  problems.addIf(
    update.stagger <= 0,
    `Stagger must be greater than zero: ${duration(update.stagger)}`,
  );
}

/** A share of the count (DESIGN §12.2); the words for it are ours. */
function validatePercent(what: string, percent: number, problems: Problems): void {
  problems.addIf(
    percent < 0 || percent > 100,
    `${what} must be from 0% to 100% of the count: ${percent}%`,
  );
}

export function validateMigrate(migrate: MigrateStrategy, problems: Problems): void {
  const { maxParallel, healthCheck, minHealthyTime, healthyDeadline } = migrate;
  problems.addIf(maxParallel < 0, `MaxParallel must be >= 0 but found ${maxParallel}`);
  validatePercent("MaxParallel", migrate.maxParallelPercent, problems);
  if (healthCheck === "") problems.addIf(maxParallel > 0, "Missing HealthCheck");
  else if (healthCheck !== "checks" && healthCheck !== "task_states") {
    problems.add(`Invalid HealthCheck: ${quote(healthCheck)}`);
  }
  problems.addIf(
    minHealthyTime < 0,
    `MinHealthyTime is ${formatDuration(minHealthyTime)} and must be >= 0`,
  );
  problems.addIf(
    healthyDeadline < 0,
    `HealthyDeadline is ${formatDuration(healthyDeadline)} and must be >= 0`,
  );
  problems.addIf(
    minHealthyTime > healthyDeadline,
    "MinHealthyTime must be less than HealthyDeadline",
  );
}

export function validateDisconnect(
  disconnect: DisconnectStrategy,
  jobType: string,
  problems: Problems,
): void {
  const { lostAfter, stopOnClientAfter: stopAfter, reconcile } = disconnect;
  problems.addIf(lostAfter < 0, "lost_after cannot be a negative duration");
  if (stopAfter !== null) {
    problems.addIf(stopAfter < 0, "stop_after cannot be a negative duration");
    problems.addIf(
      jobType !== JobType.service && jobType !== JobType.batch,
      "stop_after can only be used with service or batch job types",
    );
    problems.addIf(
      lostAfter > 0,
      "Disconnect cannot be configured with both lost_after and stop_after",
    );
  }
  problems.addIf(
    !RECONCILE_OPTIONS.includes(reconcile),
    `reconcile option is invalid: ${reconcile}`,
  );
}

/** `count`: of the group that is scaled; null for a task's policy. */
export function validateScaling(
  policy: ScalingPolicy,
  count: number | null,
  problems: Problems,
): void {
  const { min, max } = policy;
  const invalid = (text: string): string => `Scaling policy invalid: ${text}`;
  if (max < 0) problems.add(invalid("maximum count must be specified and non-negative"));
  else if (max < min) problems.add(invalid("maximum count must not be less than minimum count"));
  problems.addIf(min < 0, invalid("minimum count must be specified and non-negative"));
  if (count === null) return;
  const outside = (what: string, bound: string): string =>
    invalid(`task group count must not be ${what} than ${bound} count in scaling policy`);
  problems.addIf(max >= 0 && count > max, outside("greater", "maximum"));
  problems.addIf(count < min, outside("less", "minimum"));
}
