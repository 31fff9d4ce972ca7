/** A pass through the event loop asks the system for news, which costs more than most steps. */
const STEPS_PER_PASS = 64;

/** The real one, also where a simulated world puts its own in its place. */
const later = globalThis.setImmediate;

/**
 * Takes steps until one says false or throws. Before each of them all promise callbacks run that
 * are ready, and those that follow from them: what a step set off in promises belongs to it.
 */
export function drainedSteps(step: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let over = false;
    const one = (): void => {
      if (over) return;
      try {
        over = !step();
        if (over) resolve();
      } catch (error) {
        over = true;
        reject(error);
      }
    };
    // Node runs what promises have ready after each of the callbacks of a pass.
    const pass = (): void => {
      if (over) return;
      for (let i = 0; i < STEPS_PER_PASS; i += 1) later(one);
      later(pass);
    };
    pass();
  });
}
