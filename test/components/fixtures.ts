import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import type { NodeProof } from "../../core/contracts/proveNode.ts";
import { inputVariable } from "../../core/names.ts";
import { named, type RecordOptions, type Registration } from "./harness.ts";

export const onStack = {
  stack: "dev",
  cluster: { kubeconfig: "kube/config", context: "admin", id: "id-of-the-cluster" },
};

/** For components with objects in the cluster, none of which anybody deleted. */
export const ownsOnStack = { ...onStack, remade: {} };

/** What is found on a node that runs what it shall. */
export const proofOf = (node: string): NodeProof => ({
  node,
  state: "proven",
  secureBoot: "enabled",
  key: "enrolled",
  kernel: "5.14.0-1.el9.x86_64",
  bootId: "b",
  image: "i",
  version: "v1",
});

/** A provider whose every Command has answered what `proveNode` answers. */
export const answered: RecordOptions = {
  outputs: ({ name }) => ({ stdout: JSON.stringify(proofOf(name.replace(/-proof$/, ""))) }),
};

/** A resource that stands for whatever a component was given. */
export class Given extends pulumi.CustomResource {
  constructor(name: string, inputs: pulumi.Inputs = {}) {
    super("test:index:Given", name, inputs);
  }
}

/** What a step was given in its environment and on stdin, secret or not. */
export function inputOf(registrations: readonly Registration[], name: string): unknown {
  const { stdin = "{}" } = named(registrations, name, ":Command").inputs;
  const secrets = JSON.parse(String(isSecret(stdin) ? stdin.secret : stdin)) as object;
  return { ...(JSON.parse(String(shownOf(registrations, name))) as object), ...secrets };
}

/** What of a step's input `preview --diff` shows, as JSON, or unknown. */
export function shownOf(registrations: readonly Registration[], name: string): unknown {
  const { environment } = named(registrations, name, ":Command").inputs as { environment: Record<string, unknown> };
  return environment[inputVariable];
}

const isSecret = (value: unknown): value is { secret: unknown } =>
  typeof value === "object" && value !== null && "secret" in value;

/** A value that an Output has once everything is registered. */
export async function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => void output.apply(resolve));
}

/** Where `text` stands in plain sight: `resource.input.path`, outside every secret. */
export function leaks(registrations: readonly Registration[], text: string): string[] {
  assert.ok(text.length > 5, "too short to look for");
  return registrations.flatMap(({ name, inputs }) => places(inputs, text).map((path) => `${name}${path}`));
}

function places(value: unknown, text: string): string[] {
  if (typeof value === "string") return value.includes(text) ? [""] : [];
  if (typeof value !== "object" || value === null || isSecret(value)) return [];
  return Object.entries(value).flatMap(([key, member]) => places(member, text).map((path) => `.${key}${path}`));
}

/** Where `text` stands at all. */
export function mentions(registrations: readonly Registration[], text: string): string[] {
  return registrations.filter(({ inputs }) => JSON.stringify(inputs).includes(text)).map(({ name }) => name);
}
