/** Which nodes may, should or should evenly take an allocation (spec chapter 1 §1.8). */
import { type Infer, int, list, object, record, string } from "../schema/field.ts";

export const constraintSchema = record("Constraint", {
  lTarget: string({ hcl: "attribute", default: "" }),
  rTarget: string({ hcl: "value", default: "" }),
  operand: string({ hcl: "operator", default: "=" }),
});
export type Constraint = Infer<typeof constraintSchema>;

export const affinitySchema = record("Affinity", {
  lTarget: string({ hcl: "attribute", default: "" }),
  rTarget: string({ hcl: "value", default: "" }),
  operand: string({ hcl: "operator", default: "=" }),
  weight: int({ default: 50 }),
});
export type Affinity = Infer<typeof affinitySchema>;

export const spreadTargetSchema = record("SpreadTarget", {
  value: string({ form: "label" }),
  percent: int({ default: 0 }),
});

export const spreadSchema = record("Spread", {
  attribute: string({ default: "" }),
  weight: int({ default: 50 }),
  spreadTarget: list(object(spreadTargetSchema), { hcl: "target", form: "block" }),
});
export type Spread = Infer<typeof spreadSchema>;
