/** Tests wait for a level, with a bound, and say what they saw when it did not come. */

export async function waitUntil<T>(
  look: () => Promise<T> | T,
  reached: (value: T) => boolean,
  options: { readonly timeoutMs: number; readonly what: string; readonly everyMs?: number },
): Promise<T> {
  const deadline = Date.now() + options.timeoutMs;
  let last: T | undefined;
  let failure: unknown;
  for (;;) {
    try {
      last = await look();
      failure = undefined;
      if (reached(last)) return last;
    } catch (error) {
      failure = error;
    }
    if (Date.now() > deadline) {
      const seen = failure === undefined ? JSON.stringify(last, null, 1) : String(failure);
      throw new Error(`waited ${options.timeoutMs} ms for ${options.what}; last seen: ${seen}`);
    }
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 50));
  }
}

/** The answer; an error that names `what` when it is not there in time. */
export async function within<T>(
  promise: Promise<T>,
  options: { readonly timeoutMs: number; readonly what: string },
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`waited ${options.timeoutMs} ms for ${options.what}`));
    }, options.timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
