/** Small scope, exhaustively: nodes that return, groups, changes in place and stops. */
import { expectExplored } from "./expect-explored.ts";
import { MIXED } from "./scopes.ts";

expectExplored(MIXED);
