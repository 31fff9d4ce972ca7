export {
  type Attribute,
  type AttributeSchema,
  type Block,
  type BlockSchema,
  type Body,
  type BodyContent,
  type BodySchema,
  evaluateAttribute,
} from "./body/body.ts";
export { DynamicBody } from "./body/dynamic.ts";
export { type ParsedBody, parseBodyText } from "./body/parse-body-text.ts";
export {
  type Diagnostic,
  errorAt,
  formatDiagnostic,
  formatFirstDiagnostic,
  hasErrors,
} from "./diagnostic.ts";
export { type EvaluationContext, evaluate } from "./eval/evaluate.ts";
export { referencesOf } from "./eval/references.ts";
export {
  EMPTY_SCOPE,
  FunctionError,
  type FunctionSpec,
  type FunctionTable,
  type Parameter,
  type Scope,
} from "./eval/scope.ts";
export { parseTypeConstraint } from "./eval/type-constraint.ts";
export { decodeBase64, encodeBase64 } from "./functions/encoding.ts";
export { type JsonMode, jsonProblem } from "./functions/json-problem.ts";
export { standardFunctions } from "./functions/standard.ts";
export {
  COMMAND_LINE,
  formatRange,
  type Range,
  rangeText,
  type Source,
} from "./source.ts";
export {
  type Expression,
  startRange,
  type VariableExpression,
} from "./syntax/ast.ts";
export { parseExpressionText } from "./syntax/parse.ts";
export { decodeUtf8, encodeUtf8 } from "./utf8.ts";
export { type Converted, convert } from "./values/convert.ts";
export {
  type BigNumber,
  isInteger,
  toDouble,
  truncate,
} from "./values/number.ts";
export { formatNumber } from "./values/number-text.ts";
export {
  BOOL,
  listOf,
  mapOf,
  NUMBER,
  STRING,
  type Type,
} from "./values/type.ts";
export {
  boolOf,
  elementsOf,
  entriesOf,
  isKnown,
  isNull,
  isWhollyKnown,
  numberOf,
  object,
  primitiveText,
  sortedKeys,
  string,
  stringOf,
  UNKNOWN,
  unknownOf,
  type Value,
} from "./values/value.ts";
