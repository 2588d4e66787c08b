/** The expressions of `pulumi.com/waitFor`: `jsonpath={.path}=value`, `condition=Type=Status`, or a JSON list of them. */
import { JSONPath } from "jsonpath-plus";
import { isObject, type PropertyMap, textOf, type Value } from "../core/values.ts";
import { mapAt } from "./objects.ts";

/** Something that an object must become. */
export interface Condition {
  /** The expression, for display. */
  text: string;
  met(live: PropertyMap): boolean;
}

/** Reads the annotation; throws on what is neither form. */
export function parseWaitFor(annotation: string): Condition[] {
  const conditions = expressionsOf(annotation).map(parseExpression);
  if (conditions.length === 0) throw new Error("at least one condition must be specified");
  return conditions;
}

function expressionsOf(annotation: string): string[] {
  try {
    const list: unknown = JSON.parse(annotation);
    return Array.isArray(list) ? list.map(String) : [annotation];
  } catch {
    return [annotation];
  }
}

function parseExpression(expression: string): Condition {
  if (expression.startsWith("jsonpath=")) return parseJsonPath(expression.slice("jsonpath=".length));
  if (expression.startsWith("condition=")) return parseCondition(expression.slice("condition=".length));
  throw new Error(`expected a "jsonpath=" or "condition=" prefix, got ${JSON.stringify(expression)}`);
}

function parseJsonPath(text: string): Condition {
  const match = /^\{\s*(.*?)\s*\}(?:=(.+))?$/.exec(text);
  const [, inner, expected] = match ?? [];
  if (inner === undefined) throw new Error(`${text} should be wrapped in brackets { ... }: {.path}=value or {.path}`);
  const path = inner.startsWith("$") ? inner : `$${inner}`;
  return {
    text,
    met: (live) => {
      if (isStale(live)) return false;
      const [found] = JSONPath<Value[]>({ path, json: live, wrap: true, eval: "safe" });
      if (found === undefined || expected === undefined) return found !== undefined;
      return textOf(found) === expected;
    },
  };
}

/** True when the object's controller hasn't looked at its latest version yet. */
function isStale(live: PropertyMap): boolean {
  const { generation } = mapAt(live, "metadata");
  const { observedGeneration } = mapAt(live, "status");
  return typeof generation === "number" && typeof observedGeneration === "number" && observedGeneration < generation;
}

function parseCondition(text: string): Condition {
  const [type = "", status = "True"] = text.split(/=(.*)/s);
  return {
    text: `condition=${text}`,
    met: (live) => {
      const { conditions } = mapAt(live, "status");
      if (!Array.isArray(conditions)) return false;
      return conditions.some((one) => isObject(one) && one.type === type && one.status === status);
    },
  };
}
