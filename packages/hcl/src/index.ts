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
export { parseNativeBody } from "./body/parse-native.ts";
export {
  type Diagnostic,
  errorAt,
  formatDiagnostic,
  formatFirstDiagnostic,
  hasErrors,
} from "./diagnostic.ts";
export { type EvaluationContext, evaluate } from "./eval/evaluate.ts";
export {
  childScope,
  EMPTY_SCOPE,
  FunctionError,
  type FunctionSpec,
  type FunctionTable,
  type Parameter,
  type Scope,
} from "./eval/scope.ts";
export { parseTypeConstraint } from "./eval/type-constraint.ts";
export { formatRange, type Range, rangeBetween, rangeText, type Source } from "./source.ts";
export {
  type Expression,
  startRange,
  type VariableExpression,
} from "./syntax/ast.ts";
export { parseExpressionText } from "./syntax/parse.ts";
export { decodeUtf8 } from "./utf8.ts";
export { type Converted, convert } from "./values/convert.ts";
export {
  type BigNumber,
  compare,
  formatNumber,
  fromInteger,
  isInteger,
  parseNumber,
  toDouble,
  truncate,
} from "./values/number.ts";
export {
  BOOL,
  DYNAMIC,
  listOf,
  mapOf,
  NUMBER,
  objectOf,
  STRING,
  type Type,
  tupleOf,
  typeName,
} from "./values/type.ts";
export {
  bool,
  boolOf,
  elementsOf,
  entriesOf,
  integer,
  isKnown,
  isNull,
  isWhollyKnown,
  NULL,
  number,
  numberOf,
  object,
  primitiveText,
  sortedKeys,
  string,
  stringOf,
  tuple,
  UNKNOWN,
  type Value,
} from "./values/value.ts";
