/** Small scope, exhaustively: anything between a decision and its entry in the log. */
import { expectExplored } from "./expect-explored.ts";
import { DECISIONS } from "./scopes.ts";

expectExplored(DECISIONS);
