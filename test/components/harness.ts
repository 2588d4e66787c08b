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
}

type Found = Pick<Registration, "type" | "name" | "inputs">;

export interface RecordOptions {
  /** What the provider would answer beyond the inputs. */
  readonly outputs?: (resource: Found) => Record<string, unknown>;
  readonly call?: (args: MockCallArgs) => Record<string, unknown>;
  /** `pulumi preview`: outputs that no provider knows yet stay unknown. */
  readonly preview?: boolean;
}

/** Marks special values on the wire; this mark's value means a secret (Pulumi's resource protocol). */
const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";

/** Runs `body` under mocks and gives every registration, in order. A call that `options` doesn't answer throws. */
export async function record(body: () => unknown, options: RecordOptions = {}): Promise<Registration[]> {
  await pulumi.runtime.setMocks(
    {
      newResource: (args: MockResourceArgs) => {
        const found = { type: args.type, name: args.name, inputs: inputsOf(args.inputs) };
        const id = args.custom === false ? undefined : (args.id ?? "") || `${args.name}-id`;
        return { id, state: { ...(args.inputs as Record<string, unknown>), ...options.outputs?.(found) } };
      },
      call: (args: MockCallArgs) => {
        if (options.call === undefined) throw new Error(`unexpected call of ${args.token}`);
        return options.call(args);
      },
    },
    "onload-kmm",
    "dev",
    options.preview ?? false,
  );
  const registrations = recordRequests();
  await body();
  const { waitForRPCs } = pulumi.runtime as unknown as { waitForRPCs(): Promise<void> };
  await waitForRPCs();
  return registrations;
}

/** The registration of that name, and of the type that ends with `type`; throws with the names that there are. */
export function named(registrations: readonly Registration[], name: string, type = ""): Registration {
  const found = registrations.find((each) => each.name === name && each.type.endsWith(type));
  if (found !== undefined) return found;
  throw new Error(`no ${type} ${name} among ${registrations.map((each) => `${each.type} ${each.name}`).join(", ")}`);
}

/** The request as the engine gets it, which the mocks' own callback shows only in part. */
interface Request {
  getType(): string;
  getName(): string;
  getParent(): string;
  getProtect(): boolean;
  getDependenciesList(): string[];
  getObject(): { toJavaScript(): unknown } | undefined;
}

interface Monitor {
  registerResource(request: Request, callback: unknown): unknown;
}

function recordRequests(): Registration[] {
  const registrations: Registration[] = [];
  const { getMonitor } = pulumi.runtime as unknown as { getMonitor(): Monitor };
  const monitor = getMonitor();
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, callback) => {
    const parent = nameOf(request.getParent());
    registrations.push({
      type: request.getType(),
      name: request.getName(),
      inputs: inputsOf(request.getObject()?.toJavaScript() ?? {}),
      parent: parent === "onload-kmm-dev" ? undefined : parent,
      dependencies: [...new Set(request.getDependenciesList().map((urn) => nameOf(urn) ?? ""))].sort(),
      protect: request.getProtect(),
    });
    return register(request, callback);
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
  if (members[signatureKey] === secretSignature) return { secret: revealed(members["value"]) };
  return Object.fromEntries(Object.entries(members).map(([key, member]) => [key, revealed(member)]));
}
