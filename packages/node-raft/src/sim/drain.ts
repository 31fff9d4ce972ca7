/** Lets every promise callback run that is ready, and those that follow from them. */
export function drain(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
