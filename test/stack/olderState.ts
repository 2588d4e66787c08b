/** States as earlier versions of the program, or accidents, left them, made from one of today. */

interface Exported {
  readonly deployment: { readonly resources: readonly Resource[] };
}

interface Resource {
  readonly urn: string;
  readonly id?: string;
  readonly type: string;
  readonly inputs?: object;
  readonly outputs?: object;
}

/**
 * The exported state with each node's import as the `remote.Command` that it once was. Shortened to what a deletion
 * could need: an address at which nobody listens, and no `delete`.
 */
export function withRemoteImports(exported: string): string {
  const state = JSON.parse(exported) as Exported;
  const resources = state.deployment.resources.map((resource) => (isImport(resource) ? remote(resource) : resource));
  const older = JSON.stringify({ ...state, deployment: { ...state.deployment, resources } });
  // Others depend on it, by its URN.
  return older.replaceAll(/command:local:Command(::worker-\d+-import")/g, "command:remote:Command$1");
}

/** The exported state as that of a stack whose state was lost: with the stack itself, and nothing of what it made. */
export function withoutResources(exported: string): string {
  const state = JSON.parse(exported) as Exported;
  const resources = state.deployment.resources.filter(({ type }) => type === "pulumi:pulumi:Stack");
  return JSON.stringify({ ...state, deployment: { ...state.deployment, resources } });
}

/** The URN of the generated private key. */
export function privateKeyIn(exported: string): string {
  const { resources } = (JSON.parse(exported) as Exported).deployment;
  return resources.find(({ type }) => type === "tls:index/privateKey:PrivateKey")?.urn ?? "no private key in the state";
}

const isImport = ({ urn }: Resource): boolean => /::worker-\d+-import$/.test(urn);

function remote(resource: Resource): Resource {
  const connection = { host: "127.0.0.1", port: 1, user: "core", hostKey: "ssh-ed25519 AAAA", dialErrorLimit: 1 };
  const inputs = { connection, create: "true", addPreviousOutputInEnv: false, logging: "none" };
  return {
    ...resource,
    type: "command:remote:Command",
    inputs,
    outputs: { ...inputs, stdout: "", stderr: "" },
  };
}
