/** `fileset`: which files a pattern such as `files/**\/*.tpl` matches. */

/** In order, without duplicates. */
export function matchFiles(files: readonly string[], pattern: string): string[] {
  const regex = new RegExp(`^${translate(pattern)}$`, "u");
  return files.filter((file) => regex.test(file)).sort();
}

/** `**` spans directories, `*` and `?` do not, `{a,b}` is one of several, `[…]` a set. */
function translate(pattern: string): string {
  let result = "";
  let depth = 0;
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern[at] ?? "";
    if (pattern.startsWith("**/", at)) {
      result += "(?:[^/]+/)*";
      at += 2;
    } else if (pattern.startsWith("**", at)) {
      result += ".*";
      at += 1;
    } else if (character === "*") result += "[^/]*";
    else if (character === "?") result += "[^/]";
    else if (character === "{") {
      depth += 1;
      result += "(?:";
    } else if (character === "}" && depth > 0) {
      depth -= 1;
      result += ")";
    } else if (character === "," && depth > 0) result += "|";
    else if (character === "[" && pattern.indexOf("]", at) > at) {
      const end = pattern.indexOf("]", at);
      result += `[${pattern.slice(at + 1, end).replaceAll("\\", "\\\\")}]`;
      at = end;
    } else result += character.replace(/[\\^$.|+()[\]{}/]/u, "\\$&");
  }
  return result;
}
