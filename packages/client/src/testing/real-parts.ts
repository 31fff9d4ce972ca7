/** What tests on real parts share: the machine's clock, and whether a part is there. */
import type { Clock } from "@drover/base";
import type { TaskDriver } from "@drover/drivers";

export const machineClock: Clock = {
  now: () => Date.now(),
  setTimer: (at, fn) => {
    const timer = setTimeout(fn, Math.max(0, at - Date.now()));
    return () => clearTimeout(timer);
  },
};

/** Why a driver cannot be used here; "" when it can. */
export async function missingDriver(driver: TaskDriver): Promise<string> {
  const { healthy, healthDescription } = await driver.fingerprint();
  return healthy ? "" : healthDescription;
}
