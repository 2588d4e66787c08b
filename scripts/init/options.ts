/** What `npm run init` is told on the command line. */
import { parseArgs } from "node:util";
import { addressTypes, type AddressType } from "../../core/configuration/clusterNodes.ts";
import { changeKinds, type ChangeKind } from "../../core/configuration/fileChanges.ts";
import { stackNameProblem } from "../../core/names.ts";

export const help = `npm run init -- STACK [options]

Reads a cluster and writes Pulumi.STACK.yaml for it. Where the file is there already, prints what differs and writes
nothing, unless --write says what.

  --context NAME        the kubeconfig's context; the current one is never taken by itself
  --kubeconfig FILE     default: $KUBECONFIG, else ~/.kube/config
  --release FILE        AMD's release package (SF-122450-LS, a zip) or the .src.rpm in it
  --ssh-key FILE        private key of the user who logs in on the nodes
  --ssh-agent           the agent in SSH_AUTH_SOCK instead
  --ssh-user NAME       default: core
  --nodes A,B,C         the nodes to list; default: those that NFD labels with a Solarflare card
  --selector KEY=VALUE  the same by their labels
  --address TYPE        where SSH goes to: InternalIP (default), ExternalIP, Hostname, InternalDNS, ExternalDNS or Name
  --address NAME=HOST   for one node, HOST[:PORT]; can be given several times
  --host-keys api       a pod on each node reads /etc/ssh/ssh_host_*_key.pub (default): the cluster vouches for them
  --host-keys keyscan   asks the nodes' SSH servers: nobody vouches for them, compare the fingerprints
  --image IMAGE         for those pods; default: the release's own, openshift/tools:latest, as \`oc debug node\` takes it
  --write WHAT,WHAT     takes over differences: ${changeKinds.join(", ")}
  --config-file FILE    instead of Pulumi.STACK.yaml

What is missing is asked for on a terminal, and an error elsewhere.

Rights: to get and list nodes, namespaces and machineconfigpools. For the host keys also to create and delete a namespace
(onload-kmm-init-…, gone at the end), to create a ServiceAccount and pods in it and list them, to use the privileged
SecurityContextConstraint, and to get the ImageStream openshift/tools; cluster-admin has them all.
A namespace that a killed run left behind: kubectl delete namespace -l app.kubernetes.io/managed-by=onload-kmm-init
`;

const known = {
  context: { type: "string" },
  kubeconfig: { type: "string" },
  release: { type: "string" },
  "ssh-key": { type: "string" },
  "ssh-agent": { type: "boolean", default: false },
  "ssh-user": { type: "string", default: "core" },
  nodes: { type: "string" },
  selector: { type: "string" },
  address: { type: "string", multiple: true },
  "host-keys": { type: "string", default: "api" },
  image: { type: "string" },
  write: { type: "string", multiple: true },
  stack: { type: "string" },
  "config-file": { type: "string" },
  help: { type: "boolean", default: false },
} as const;

const parse = (args: string[]) => parseArgs({ args, options: known, allowPositionals: true });
type Values = ReturnType<typeof parse>["values"];

/** As they were given; what they mean together is the caller's to find out. */
export interface Options extends Omit<Values, "nodes" | "address" | "write" | "stack" | "help"> {
  readonly stack: string;
  readonly nodes: readonly string[] | undefined;
  /** Undefined: not asked for, so that a file's own addresses stay. */
  readonly addressType: AddressType | undefined;
  /** Address by node. */
  readonly addresses: ReadonlyMap<string, string>;
  readonly write: readonly ChangeKind[];
}

/** The options, or all that is wrong with them; `help` when that was asked for. */
export function parseOptions(args: string[]): Options | { readonly problems: readonly string[] } | "help" {
  let parsed;
  try {
    parsed = parse(args);
  } catch (error) {
    return { problems: [(error as Error).message] };
  }
  const { values, positionals } = parsed;
  if (values.help) return "help";
  const { address = [], write = [], nodes, stack: named = "", ...rest } = values;
  const [stack = named, ...others] = positionals;
  const types = address.filter((each) => !each.includes("="));
  const own = address.filter((each) => each.includes("="));
  const kinds = write.flatMap(listOf);
  const problems = [
    ...stackProblems(stack, others),
    ...types.flatMap((type) => notAmong("address", type, [...addressTypes, "NAME=HOST"])),
    ...(types.length > 1 ? [`--address: found ${types.join(" and ")}, expected one type`] : []),
    ...own.flatMap((each) => (/^[^=]+=[^=]+$/.test(each) ? [] : [`--address: found ${each}, expected NAME=HOST`])),
    ...notAmong("host-keys", values["host-keys"], ["api", "keyscan"]),
    ...kinds.flatMap((kind) => notAmong("write", kind, changeKinds)),
    ...notBoth(values, "nodes", "selector"),
    ...notBoth(values, "ssh-key", "ssh-agent"),
  ];
  if (problems.length > 0) return { problems };
  return {
    ...rest,
    stack,
    nodes: nodes === undefined ? undefined : listOf(nodes),
    addressType: types[0] as AddressType | undefined,
    addresses: new Map(own.map((each) => each.split("=") as [string, string])),
    write: kinds as ChangeKind[],
  };
}

function stackProblems(stack: string, others: readonly string[]): string[] {
  const problem =
    stack === "" ? "the stack's name is missing: `npm run init -- STACK`, more by --help" : stackNameProblem(stack);
  const more = others.length === 0 ? [] : [`found ${others.join(" ")} after the stack's name; options begin with --`];
  return [...(problem === undefined ? [] : [problem]), ...more];
}

/** `a,b` and `a, b` alike. */
export const listOf = (text: string): string[] =>
  text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");

const notAmong = (option: string, found: string, expected: readonly string[]): string[] =>
  expected.includes(found) ? [] : [`--${option}: found ${found}, expected ${expected.join(", ")}`];

const notBoth = (values: Values, one: keyof Values, other: keyof Values): string[] =>
  Boolean(values[one]) && Boolean(values[other]) ? [`--${one} and --${other}: give one of them`] : [];
