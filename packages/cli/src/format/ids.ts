const SHORT = 8;

/** Ids are cut to eight characters unless `-verbose` asks for all (spec chapter 7 §7.3). */
export function shortId(id: string, verbose: boolean): string {
  return verbose ? id : id.slice(0, SHORT);
}
