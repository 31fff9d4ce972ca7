/** What happens to a task that ended, and to an allocation that failed (spec chapter 1 §1.2). */
import { bool, duration, type Infer, int, nullable, record, string } from "../schema/field.ts";

/** Defaults depend on the job's type, so canonicalization fills them in. */
export const restartPolicySchema = record("RestartPolicy", {
  attempts: int(),
  interval: duration(),
  delay: duration(),
  mode: string(),
  renderTemplates: bool({ default: false, change: "destructive" }),
});
export type RestartPolicy = Infer<typeof restartPolicySchema>;

export const reschedulePolicySchema = record("ReschedulePolicy", {
  attempts: int(),
  interval: duration(),
  delay: duration(),
  delayFunction: string(),
  maxDelay: duration(),
  unlimited: bool(),
});
export type ReschedulePolicy = Infer<typeof reschedulePolicySchema>;

export const disconnectSchema = record(
  "Disconnect",
  {
    lostAfter: duration({ default: 0 }),
    stopOnClientAfter: nullable(duration()),
    replace: bool({ default: true }),
    reconcile: string({ default: "best_score" }),
  },
  { typeName: "DisconnectStrategy" },
);
export type DisconnectStrategy = Infer<typeof disconnectSchema>;
