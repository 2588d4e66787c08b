/** What a stand-in provider consists of: the shape that the gRPC server in `service.ts` drives. */
import type { Diff } from "./diff.ts";
import type { EngineLog } from "./engineLog.ts";
import type { PropertyMap } from "./values.ts";

/** One input that a provider doesn't accept; the engine prints it with the resource's name. */
export interface CheckFailure {
  /** The input's name; empty for the resource as a whole. */
  property: string;
  reason: string;
}

/** A provider's answer to Check: the inputs as they will be stored, defaults filled in. */
export interface CheckResult {
  inputs: PropertyMap;
  failures?: CheckFailure[];
}

/** What every operation on one resource knows. */
export interface Operation {
  urn: string;
  /** The resource's Pulumi name. */
  name: string;
  /** The resource's type token. */
  type: string;
  /** Aborted when the engine cancels the deployment. */
  signal: AbortSignal;
  /** Seconds that `customTimeouts` allows; 0 when it says nothing. */
  timeout: number;
  /** True in `preview`: nothing may be changed outside. */
  preview: boolean;
  /** From which Check makes up names, the same in a preview and the `up` after it; may be empty. */
  seed: Uint8Array;
  log: EngineLog;
}

/** A resource's identity and outputs after an operation. */
export interface ResourceState {
  id: string;
  outputs: PropertyMap;
  /** Only after Read: the inputs that would give this state. */
  inputs?: PropertyMap;
}

/** Before and after of a resource, as Diff and Update see it. */
export interface Transition {
  id: string;
  oldInputs: PropertyMap;
  oldOutputs: PropertyMap;
  inputs: PropertyMap;
}

/** One resource type. */
export interface ResourceType {
  /** `olds` are the last inputs; absent when the resource is new. */
  check(operation: Operation, inputs: PropertyMap, olds: PropertyMap | undefined): Promise<CheckResult> | CheckResult;
  diff(operation: Operation, transition: Transition): Promise<Diff> | Diff;
  create(operation: Operation, inputs: PropertyMap): Promise<ResourceState>;
  /** Without it the state is taken for the truth, as by every provider that has nothing to look at. */
  read?(operation: Operation, state: Required<ResourceState>): Promise<ResourceState | undefined>;
  /** Without it every change must replace. */
  update?(operation: Operation, transition: Transition): Promise<PropertyMap>;
  delete?(operation: Operation, state: Required<ResourceState>): Promise<void>;
}

/** A function that a program calls (`local.run`). */
export type ProviderFunction = (
  args: PropertyMap,
  context: { signal: AbortSignal; log: EngineLog; preview: boolean },
) => Promise<PropertyMap>;

/** A whole provider. */
export interface Provider {
  /** The package's name: `kubernetes`. */
  name: string;
  /** The version of the real plugin that this one stands in for. */
  version: string;
  /** The resource type of a token, or nothing when the stand-in doesn't have it. */
  resource(type: string): ResourceType | undefined;
  functions: Record<string, ProviderFunction>;
  /** Checks the provider's own configuration. */
  checkConfig?(inputs: PropertyMap): CheckResult;
  /** Compares two configurations of the provider. */
  diffConfig?(olds: PropertyMap, news: PropertyMap): Diff;
  /** Takes the configuration over; called once in a process. */
  configure?(inputs: PropertyMap): Promise<void> | void;
}

/** Thrown by create and update when the object exists but did not become ready: the state is kept. */
export class InitializationError extends Error {
  readonly state: ResourceState;
  readonly reasons: string[];

  constructor(message: string, state: ResourceState, reasons: string[]) {
    super(message);
    this.state = state;
    this.reasons = reasons;
  }
}
