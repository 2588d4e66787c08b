import { z } from "zod";
import { moduleName } from "../names.ts";
import { consoleForm } from "./address.ts";
import { build, release } from "./buildSettings.ts";
import { enrolmentModes, signingSources } from "./choices.ts";
import { count, flag, hasValidPort, hostKeyForm, isOfItsType, matching, minutes, script, text } from "./values.ts";

/*
 * The schema of the stack's configuration, and the only place where its keys are described: `npm run documents` makes
 * the README's table, the descriptions in Pulumi.yaml and the editors' JSON Schema from it. A key's `description` says what
 * it is, in which unit; `examples` show a value, `see` names a page, and `secret` marks what must not be set in plain text.
 * Its `error` is what a person reads after "expected".
 */

const cluster = z
  .strictObject({
    kubeconfig: text("the path of a kubeconfig file, for example ~/.kube/prod").meta({
      description: "Path of the kubeconfig",
      examples: ["~/.kube/prod"],
    }),
    context: text("a context's name in that kubeconfig, as `kubectl config get-contexts` lists them").meta({
      description: "Context in that file; the kubeconfig's current context is never used",
      examples: ["admin"],
    }),
    id: matching(
      /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
      "the cluster's identity, as `kubectl get namespace kube-system -o jsonpath={.metadata.uid}` prints it",
    ).meta({
      description: "UID of the namespace `kube-system`; every step checks it first",
      examples: ["7d1f3c52-0e7a-4b1c-9a53-6c1f0c9d2e11"],
    }),
  })
  .meta({ description: "The one cluster that this stack may touch" });

const aSecret = (what: string) =>
  matching(
    /^[a-z0-9][-a-z0-9]*\/[a-z0-9][-a-z0-9.]*$/,
    `NAMESPACE/NAME of a Secret of type kubernetes.io/dockerconfigjson ${what}`,
  );

const aRepository = "HOST[:PORT]/PATH of a repository without tag, for example registry.example.com:5000/team/onload";

/** Where images go that aren't to go to the cluster's internal registry. */
export const registry = z
  .strictObject({
    repository: matching(
      /^(?=[^/]*[.:]|localhost\/)[a-z0-9.-]+(:\d{1,5})?(\/[a-z0-9]+((\.|__?|-+)[a-z0-9]+)*)+$/,
      aRepository,
    )
      .refine(hasValidPort, { error: aRepository })
      .meta({
        description: "`HOST[:PORT]/PATH` that images are pushed to",
        examples: ["registry.example.com:5000/team/onload"],
        see: "docs/registry.md",
      }),
    pushSecret: aSecret("that may push to the repository and pull from it").meta({
      description: "`NAMESPACE/NAME` of a Secret (`kubernetes.io/dockerconfigjson`) that may push there and pull",
      examples: ["openshift-config/onload-push"],
    }),
    pullSecret: aSecret("with what else builds pull, such as the base image")
      .meta({
        description: "The same, for what else builds pull, such as the base image from a mirror",
        examples: ["openshift-config/mirror-pull"],
      })
      .optional(),
    caConfigMap: matching(
      /^[a-z0-9][-a-z0-9.]*$/,
      "the name of the ConfigMap in openshift-config that image.config.openshift.io/cluster names as additionalTrustedCA",
    )
      .meta({
        description: "ConfigMap in `openshift-config` that the cluster names as `additionalTrustedCA`",
        examples: ["registry-cas"],
      })
      .optional(),
  })
  .meta({ description: "Registry of your own, instead of the cluster's internal one" });

const signing = z
  .strictObject({
    source: z
      .enum(signingSources, {
        error: "generated (a key pair made and kept by this stack) or existing (signingKey and signingCertificate)",
      })
      .meta({ description: "`generated` by this stack, or `existing`: `signingKey` and `signingCertificate`" })
      .default("generated"),
    subject: text("the certificate's common name, 1 to 64 characters; `modinfo -F signer` will show it")
      .max(64, { error: "at most 64 characters (X.520, ub-common-name)" })
      .meta({ description: "Common name of the generated certificate", examples: ["Example Corp kernel modules"] })
      .default("onload-kmm module signing"),
    protect: flag("true to make Pulumi refuse to delete the key pair, else false")
      .meta({ description: "Refuse `pulumi destroy` before it begins, so that a generated key pair isn't deleted" })
      .default(false),
  })
  .meta({ description: "Key pair that signs the modules" });

const aSystem =
  "the node's ComputerSystem in its BMC's Redfish service, for example https://worker-0-bmc/redfish/v1/Systems/1";

/** JSON Schema's patterns have no flags. */
const inAnyCase = (word: string): string => word.replaceAll(/[a-z]/g, (letter) => `[${letter.toUpperCase()}${letter}]`);
const systemUrl = new RegExp(`^${inAnyCase("https")}://[^\\s/@?#]+/[^\\s?#]*${inAnyCase("systems")}/[^\\s/?#]+/?$`);

const bmc = z
  .strictObject({
    url: matching(systemUrl, aSystem)
      .refine((url) => URL.canParse(url), { error: aSystem })
      .meta({
        description: "The node's ComputerSystem in its BMC's Redfish service",
        examples: ["https://worker-0-bmc.example.com/redfish/v1/Systems/1"],
      }),
    fingerprint: matching(
      /^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$/,
      "SHA-256 of the BMC's TLS certificate, as `openssl s_client -connect BMC:443 </dev/null | openssl x509 -noout -fingerprint -sha256` " +
        "prints it after the =; check it before you trust it",
    ).meta({ description: "SHA-256 of the BMC's TLS certificate; check it at the BMC" }),
  })
  .meta({ description: "The node's BMC; needed by `redfish`" });

const anAddress = "the host for SSH, with :port where it isn't 22";
const aSocket = "tcp:HOST:PORT of a console server, an IPv6 address as tcp:[fd00::1]:7001";
const aHostKey = "the type and key that `ssh-keyscan` prints after the host's name; check it before you trust it";

const node = z.strictObject({
  name: matching(
    /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/,
    "the Node object's name, as `kubectl get nodes` lists it",
  ).meta({ description: "Name of the Node, as `kubectl get nodes` lists it", examples: ["worker-0.prod.example.com"] }),
  address: matching(/^[^\s:/@]+(:\d{1,5})?$|^\[[0-9A-Fa-f:]+\](:\d{1,5})?$/, anAddress)
    .refine(hasValidPort, { error: anAddress })
    .meta({
      description: "Host for SSH, with `:port` where it isn't 22; IPv6 in brackets",
      examples: ["worker-0.prod.example.com", "10.0.0.1:2222", "[fd00::11]"],
    }),
  hostKey: matching(hostKeyForm, aHostKey)
    .refine(isOfItsType, { error: aHostKey })
    .meta({
      description: "Type and key of its SSH host key; check it on the node's console",
      examples: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPFLzwBSLxnEUDoL8AiL5LxpgO9vIJ1VnR5uaKYhcSZy"],
    }),
  console: script(
    "a command that opens the node's serial console as a terminal, for example `ipmitool -I lanplus -H bmc-1 -E sol activate`",
  )
    .regex(consoleForm, { error: aSocket })
    .refine((console) => !console.startsWith("tcp:") || hasValidPort(console), { error: aSocket })
    .meta({
      description:
        "Command that opens the serial console, or `tcp:HOST:PORT`; needed by `console`, shown by `attended`",
      examples: ["ipmitool -I lanplus -H worker-0-bmc.example.com -U admin -E sol activate", "tcp:[fd00::1]:7001"],
    })
    .optional(),
  bmc: bmc.optional(),
  hold: flag("true to leave the node out of roll-outs without unloading it, else false")
    .meta({ description: "Exclude this node from roll-outs; it stays loaded as it is" })
    .default(false),
  ownNetworkOnSolarflare: flag(
    "true when you accept that loading takes down the network card that carries the node's own network, else false",
  )
    .meta({ description: "Accept that loading the modules interrupts the node's own network" })
    .default(false),
  withoutPorts: flag("true for OpenOnload over AF_XDP on a node without a Solarflare card, else false")
    .meta({ description: "OpenOnload over AF_XDP, on a node without a Solarflare card" })
    .default(false),
});

const ssh = z
  .strictObject({
    user: text("the user to log in as, with passwordless sudo")
      .meta({ description: "User to log in as, with passwordless sudo" })
      .default("core"),
    privateKeyFile: text("the path of a private key without passphrase")
      .meta({ description: "Path of a private key without passphrase; this or `ssh.agent`", examples: ["~/.ssh/id"] })
      .optional(),
    agent: flag("true to use the SSH agent in SSH_AUTH_SOCK, else false")
      .meta({ description: "Use the SSH agent in `SSH_AUTH_SOCK`" })
      .default(false),
  })
  .refine((value) => value.agent !== (value.privateKeyFile !== undefined), {
    error: "either privateKeyFile or `agent: true`, and not both",
  })
  .meta({ description: "How nodes are reached" });

const enrolment = z
  .strictObject({
    mode: z
      .enum(enrolmentModes, {
        error:
          "attended (a person at the console), operator (you reboot in your own window), console (scripted serial console), " +
          "redfish (UEFI db through the BMC) or off (Secure Boot off, or the key already trusted by other means)",
      })
      .meta({
        description: "How the key is enrolled: `attended`, `operator`, `console`, `redfish` or `off`",
        see: "docs/nodes.md#modes-of-enrolment",
      })
      .default("attended"),
    timeoutMinutes: minutes("how long a node waits for MokManager's answer and its return")
      .meta({ description: "How long a node waits for MokManager's answer and its return, in minutes" })
      .default(60),
    removeOnDestroy: flag("true to have a leaving node stop trusting the key, else false")
      .meta({ description: "Remove the key when a node leaves the stack; it is gone after the next reboot" })
      .default(false),
  })
  .meta({ description: "How nodes' firmware comes to trust the signing key" });

const rollout = z
  .strictObject({
    maxParallel: count("how many nodes may be out of service at once, 1 to 10000")
      .meta({ description: "How many nodes may be out of service at once" })
      .default(1),
    drain: flag("true to evict pods before modules are reloaded (as `kubectl drain`), else false")
      .meta({ description: "Evict pods before modules are reloaded" })
      .default(true),
    drainTimeoutMinutes: minutes("how long evictions may take, PodDisruptionBudgets respected")
      .meta({ description: "How long evictions may take, in minutes; PodDisruptionBudgets are respected" })
      .default(15),
    loadTimeoutMinutes: minutes("how long modules may take to be loaded")
      .meta({ description: "How long modules may take to load, in minutes" })
      .default(15),
  })
  .meta({ description: "How nodes are taken out of service" });

const password = z.string().regex(/^[A-Za-z0-9]{8,64}$/, {
  error: "8 to 64 of A-Z, a-z and 0-9 (firmware consoles know no other keyboard)",
});

/** Characters: KMM allows 40 for the namespace and the Module's name together. */
export const longestNamespace = 40 - moduleName.length;

const bmcCredentials = z
  .strictObject({
    user: matching(
      /^[^:]+$/,
      "the user of the nodes' BMCs, with privileges for BIOS and Secure Boot; without colons",
    ).meta({ description: "User of the BMCs, with privileges for BIOS and Secure Boot", examples: ["administrator"] }),
    password: text("that user's password").meta({ description: "That user's password", secret: true }),
  })
  .meta({ description: "Login at the nodes' BMCs; needed by `redfish`" });

export const schema = z.strictObject({
  cluster,
  namespace: matching(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "a namespace's name: a-z, 0-9 and -")
    .meta({ description: `Namespace of everything this stack creates; at most ${longestNamespace} characters` })
    .default("onload-kmm"),
  release,
  build: build.prefault({}),
  registry: registry.optional(),
  // No upper bound: a date, 20260131, is a good counter, too.
  rebuild: count("a whole number, 0 or more; raise it to force a rebuild", 0, Number.MAX_SAFE_INTEGER)
    .meta({ description: "Counter; any change of it rebuilds, signs and reloads the modules, node by node" })
    .default(0),
  signing: signing.prefault({}),
  signingKey: z
    .string()
    .meta({ description: "PEM of the existing private key: RSA, 2048 bits or more, unencrypted", secret: true })
    .optional(),
  signingCertificate: z.string().meta({ description: "PEM of its certificate" }).optional(),
  nodes: z
    .array(node, { error: "a list of nodes, the canary first: [{name, address, hostKey}, …]" })
    .min(1, {
      error:
        "at least one node: `npm run init -- STACK --write new-nodes` adds those of the cluster; to remove all of them, run `pulumi destroy`",
    })
    .meta({ description: "Nodes in the order of the roll-out, the canary first" }),
  nodesFile: text("the path of a YAML file with the list of nodes")
    .meta({
      description: "Path of a YAML file with that list, in its place; from about 600 nodes it must be there",
      examples: ["nodes.prod.yaml"],
      see: "docs/nodes.md#many-nodes",
    })
    .optional(),
  ssh,
  enrolment: enrolment.prefault({}),
  mokPassword: password
    .meta({ description: "What MokManager asks for: 8 to 64 of A-Z, a-z, 0-9; generated when absent", secret: true })
    .optional(),
  bmcCredentials: bmcCredentials.optional(),
  rollout: rollout.prefault({}),
});

/** The checked configuration, with every default filled in. */
export type Settings = z.infer<typeof schema>;

/** A registry outside of the cluster, for source and kmod images. */
export type RegistrySettings = NonNullable<Settings["registry"]>;
