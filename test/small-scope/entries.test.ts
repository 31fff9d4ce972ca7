/** Small scope, exhaustively: faults and operators between any two entries of the log. */
import { expectExplored } from "./expect-explored.ts";
import { ENTRIES } from "./scopes.ts";

expectExplored(ENTRIES);
