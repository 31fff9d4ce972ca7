/** Which nodes may, should or should evenly take an allocation (spec chapter 1 §1.8). */
import { type Infer, int, list, object, record, string } from "../schema/field.ts";

export const constraintSchema = record("Constraint", {
  lTarget: string({ plain: true, hcl: "attribute", default: "" }),
  rTarget: string({ plain: true, hcl: "value", default: "" }),
  operand: string({ plain: true, hcl: "operator", parsed: "=", default: "=" }),
});
export type Constraint = Infer<typeof constraintSchema>;

export const affinitySchema = record("Affinity", {
  lTarget: string({ plain: true, hcl: "attribute", default: "" }),
  rTarget: string({ plain: true, hcl: "value", default: "" }),
  operand: string({ plain: true, hcl: "operator", parsed: "=", default: "=" }),
  weight: int({ default: 50 }),
});
export type Affinity = Infer<typeof affinitySchema>;

export const spreadTargetSchema = record("SpreadTarget", {
  value: string({ plain: true, form: "label" }),
  percent: int({ plain: true, default: 0 }),
});

export const spreadSchema = record("Spread", {
  attribute: string({ plain: true, default: "" }),
  weight: int({ default: 50 }),
  spreadTarget: list(object(spreadTargetSchema), { hcl: "target", form: "block" }),
});
export type Spread = Infer<typeof spreadSchema>;
