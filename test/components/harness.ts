/** The one mock harness: runs resources without an engine, and records their whole registrations. */
import * as pulumi from "@pulumi/pulumi";
import type { MockCallArgs, MockResourceArgs } from "@pulumi/pulumi/runtime/mocks.js";

/** A resource as the engine would have been told of it. */
export interface Registration {
  readonly type: string;
  readonly name: string;
  /** Inputs, with secrets as `{secret: value}`. */
  readonly inputs: Record<string, unknown>;
  /** Name of the parent; undefined below the stack. */
  readonly parent: string | undefined;
  /** Names of what it depends on, by an edge or by an input; sorted. */
  readonly dependencies: readonly string[];
  readonly protect: boolean;
  /** Whether the engine forgets it where it would have its provider delete it. */
  readonly retained: boolean;
  /** Name of the explicit provider; undefined where the default one would serve. */
  readonly provider: string | undefined;
  /** Whether the resource is only read, as by `Secret.get`. */
  readonly read: boolean;
}

type Found = Pick<Registration, "type" | "name" | "inputs">;

export interface RecordOptions {
  /** What the provider would answer beyond the inputs. */
  readonly outputs?: (resource: Found) => Record<string, unknown>;
  readonly call?: (args: MockCallArgs) => Record<string, unknown>;
  /** `pulumi preview`: outputs that no provider knows yet stay unknown. */
  readonly preview?: boolean;
  /** The stack's name; `dev` when absent. */
  readonly stack?: string;
}

/** Marks special values on the wire; this mark's value means a secret (Pulumi's resource protocol). */
const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";

/** What an input is while nobody knows its value (Pulumi's resource protocol). */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Runs `body` under mocks and gives every registration, in order. A call that `options` doesn't answer throws. */
export async function record(body: () => unknown, options: RecordOptions = {}): Promise<Registration[]> {
  const stack = options.stack ?? "dev";
  const secretOutputs = new Map<string, readonly string[]>();
  await pulumi.runtime.setMocks(
    {
      newResource: (args: MockResourceArgs) => {
        const found = { type: args.type, name: args.name, inputs: inputsOf(args.inputs) };
        const id = args.custom === false ? undefined : (args.id ?? "") || `${args.name}-id`;
        const state = { ...(args.inputs as Record<string, unknown>), ...options.outputs?.(found) };
        return { id, state: concealed(state, secretOutputs.get(args.name) ?? []) };
      },
      call: (args: MockCallArgs) => {
        if (options.call === undefined) throw new Error(`unexpected call of ${args.token}`);
        return options.call(args);
      },
    },
    "onload-kmm",
    stack,
    options.preview ?? false,
  );
  const registrations = recordRequests(`onload-kmm-${stack}`, secretOutputs);
  await body();
  const { waitForRPCs } = pulumi.runtime as unknown as { waitForRPCs: () => Promise<void> };
  await waitForRPCs();
  return registrations;
}

/** The registration of that name, and of the type that ends with `type`; throws with the names that there are. */
export function named(registrations: readonly Registration[], name: string, type = ""): Registration {
  const found = registrations.find((each) => each.name === name && each.type.endsWith(type));
  if (found !== undefined) return found;
  throw new Error(`no ${type} ${name} among ${registrations.map((each) => `${each.type} ${each.name}`).join(", ")}`);
}

/** The requests as the engine gets them, which the mocks' own callback shows only in part. */
interface ReadRequest {
  getType(): string;
  getName(): string;
  getParent(): string;
  getDependenciesList(): string[];
  getProvider(): string;
  getAdditionalsecretoutputsList(): string[];
}

interface RegisterRequest extends ReadRequest {
  getProtect(): boolean;
  getRetainondelete(): boolean | undefined;
  getObject(): { toJavaScript(): unknown } | undefined;
}

interface Monitor {
  registerResource(request: RegisterRequest, callback: unknown): unknown;
  readResource(request: ReadRequest, callback: unknown): unknown;
}

/**
 * @param root name of the stack's own resource
 * @param secretOutputs filled, by resource, with the outputs that its SDK declares secret
 */
function recordRequests(root: string, secretOutputs: Map<string, readonly string[]>): Registration[] {
  const registrations: Registration[] = [];
  const note = (request: ReadRequest, own: Pick<Registration, "inputs" | "protect" | "retained" | "read">) => {
    const parent = nameOf(request.getParent());
    secretOutputs.set(request.getName(), request.getAdditionalsecretoutputsList());
    registrations.push({
      type: request.getType(),
      name: request.getName(),
      parent: parent === root ? undefined : parent,
      dependencies: [...new Set(request.getDependenciesList().map((urn) => nameOf(urn) ?? ""))].sort(),
      // A reference is the provider's URN, "::" and its id.
      provider: nameOf(request.getProvider().replace(/::[^:]*$/, "")),
      ...own,
    });
  };
  const { getMonitor } = pulumi.runtime as unknown as { getMonitor: () => Monitor };
  const monitor = getMonitor();
  const [register, read] = [monitor.registerResource.bind(monitor), monitor.readResource.bind(monitor)];
  monitor.registerResource = (request, callback) => {
    const inputs = inputsOf(request.getObject()?.toJavaScript() ?? {});
    const retained = request.getRetainondelete() ?? false;
    note(request, { inputs, protect: request.getProtect(), retained, read: false });
    return register(request, callback);
  };
  monitor.readResource = (request, callback) => {
    note(request, { inputs: {}, protect: false, retained: false, read: true });
    return read(request, callback);
  };
  return registrations;
}

/** The last part of a URN. */
const nameOf = (urn: string): string | undefined => (urn === "" ? undefined : urn.slice(urn.lastIndexOf("::") + 2));

const inputsOf = (value: unknown): Record<string, unknown> => revealed(value) as Record<string, unknown>;

/** Secrets become `{secret: value}`, so that an assertion sees both the value and that it is one. */
function revealed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revealed);
  if (typeof value !== "object" || value === null) return value;
  const members = value as Record<string, unknown>;
  if (isSecret(value)) return { secret: revealed(members["value"]) };
  return Object.fromEntries(Object.entries(members).map(([key, member]) => [key, revealed(member)]));
}

/** Outputs that a resource's SDK declares secret come back as secrets, as the engine would have it. */
function concealed(state: Record<string, unknown>, secrets: readonly string[]): Record<string, unknown> {
  const hidden = secrets.filter((key) => state[key] !== undefined);
  return { ...state, ...Object.fromEntries(hidden.map((key) => [key, concealedValue(state[key])])) };
}

const concealedValue = (value: unknown): unknown =>
  isSecret(value) ? value : { [signatureKey]: secretSignature, value };

const isSecret = (value: unknown): boolean =>
  typeof value === "object" && value !== null && (value as Record<string, unknown>)[signatureKey] === secretSignature;
