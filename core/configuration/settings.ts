import { RE2JS } from "re2js";
import { z } from "zod";
import { enrolmentModes, signingSources, strategies } from "./choices.ts";
import { isTcpAddress, tcpConsole } from "./address.ts";
import { kernelProblem } from "../build/kernelRelease.ts";

/*
 * The schema of the stack's configuration. A field's `error` is what a person reads after "expected": so it says
 * the shape, the unit and an example, not the type's name.
 */

const text = (expected: string) => z.string({ error: expected }).min(1, { error: expected });
const matching = (pattern: RegExp, expected: string) =>
  z.string({ error: expected }).regex(pattern, { error: expected });
const flag = (expected: string) => z.boolean({ error: expected });
const count = (expected: string, least = 1, most = 10_000) =>
  z.int({ error: expected }).min(least, { error: expected }).max(most, { error: expected });
const minutes = (what: string, byDefault: number) => {
  const error = `minutes, 0.1 to 10000: ${what}`;
  return z.number({ error }).min(0.1, { error }).max(10_000, { error }).default(byDefault);
};

const cluster = z.strictObject({
  kubeconfig: text("the path of a kubeconfig file, for example ~/.kube/prod"),
  context: text("a context's name in that kubeconfig, as `kubectl config get-contexts` lists them"),
  id: matching(
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    "the cluster's identity, as `kubectl get namespace kube-system -o jsonpath={.metadata.uid}` prints it",
  ),
});

const release = z.strictObject({
  package: matching(
    /\.(zip|src\.rpm)$/,
    "the path of AMD's release package (SF-122450-LS, a .zip) or of the .src.rpm in it",
  ),
  sha256: matching(/^[0-9a-f]{64}$/, "64 hexadecimal digits, lower case, as `sha256sum` of the package prints them"),
  version: matching(/^\d+(\.\d+)+$/, "the version in the .src.rpm's name, for example 9.0.2.140"),
});

const anImage = "an image with a tag other than latest, or a digest";

const nextKernel = z.strictObject({
  kernel: matching(
    /^\d+\.\d+\.\d+-[A-Za-z0-9._+-]+$/,
    "a kernel that an upgrade brings, as `uname -r` will print it, for example 5.14.0-570.62.1.el9_6.x86_64",
  ),
  driverToolkit: text(
    "the Driver Toolkit's image of the release that brings it, as `oc adm release info RELEASE --image-for=driver-toolkit` prints it",
  ).optional(),
});

const build = z
  .strictObject({
    strategy: z
      .enum(strategies, { error: "driver-toolkit (no entitlement needed) or entitled-ubi" })
      .default("driver-toolkit"),
    kernels: z
      .string({ error: "a regular expression (RE2) that the nodes' `uname -r` matches" })
      .refine(isRe2, {
        error: "a regular expression (RE2: no look-around, no back-references), for example ^5\\.14\\.",
      })
      .default("^.+$"),
    baseImage: z
      .string({ error: anImage })
      .refine((image) => /[:@][^/]+$/.test(image) && !image.endsWith(":latest"), { error: anImage })
      .default("registry.access.redhat.com/ubi9/ubi-minimal:9.6"),
    timeoutMinutes: minutes("the longest that a build may take", 60),
    nextKernels: z
      .array(nextKernel, {
        error: "a list of kernels to build for before a node boots them: [{kernel, driverToolkit}, …]",
      })
      .default([]),
  })
  .refine(
    (value) =>
      value.strategy !== "driver-toolkit" || value.nextKernels.every((next) => next.driverToolkit !== undefined),
    {
      path: ["nextKernels"],
      error:
        "driverToolkit for each kernel: KMM finds a Driver Toolkit by the nodes that run the kernel, and none does yet",
    },
  )
  .superRefine(({ strategy, nextKernels }, context) => {
    nextKernels.forEach(({ kernel }, index) => {
      const problem = kernelProblem(kernel, strategy);
      if (problem === undefined) return;
      const message = `a kernel that modules can be built for: ${problem}`;
      context.addIssue({ code: "custom", path: ["nextKernels", index, "kernel"], message });
    });
  });

const aSecret = (what: string) =>
  matching(
    /^[a-z0-9][-a-z0-9]*\/[a-z0-9][-a-z0-9.]*$/,
    `NAMESPACE/NAME of a Secret of type kubernetes.io/dockerconfigjson ${what}`,
  );

/** Where images go that aren't to go to the cluster's internal registry. */
export const registry = z.strictObject({
  repository: matching(
    /^(?=[^/]*[.:]|localhost\/)[a-z0-9.-]+(:\d{1,5})?(\/[a-z0-9]+((\.|__?|-+)[a-z0-9]+)*)+$/,
    "HOST[:PORT]/PATH of a repository without tag, for example registry.example.com:5000/team/onload",
  ),
  pushSecret: aSecret("that may push to the repository and pull from it"),
  pullSecret: aSecret("with what else builds pull, such as the base image").optional(),
  caConfigMap: matching(
    /^[a-z0-9][-a-z0-9.]*$/,
    "the name of the ConfigMap in openshift-config that image.config.openshift.io/cluster names as additionalTrustedCA",
  ).optional(),
});

const signing = z.strictObject({
  source: z
    .enum(signingSources, {
      error: "generated (a key pair made and kept by this stack) or existing (signingKey and signingCertificate)",
    })
    .default("generated"),
  subject: text("the certificate's common name, 1 to 64 characters; `modinfo -F signer` will show it")
    .max(64, { error: "at most 64 characters (X.520, ub-common-name)" })
    .default("onload-kmm module signing"),
  protect: flag("true to make Pulumi refuse to delete the key pair, else false").default(false),
});

const aSystem =
  "the node's ComputerSystem in its BMC's Redfish service, for example https://worker-0-bmc/redfish/v1/Systems/1";

const bmc = z.strictObject({
  url: z
    .string({ error: aSystem })
    .refine((url) => /^https:\/\/[^\s/@?#]+\/[^\s?#]*systems\/[^\s/?#]+\/?$/i.test(url) && URL.canParse(url), {
      error: aSystem,
    }),
  fingerprint: matching(
    /^([0-9a-f]{2}:?){31}[0-9a-f]{2}$/i,
    "SHA-256 of the BMC's TLS certificate, as `openssl s_client -connect BMC:443 </dev/null | openssl x509 -noout -fingerprint -sha256` " +
      "prints it after the =; check it before you trust it",
  ),
});

const aHostKey = "the type and key that `ssh-keyscan` prints after the host's name; check it before you trust it";

const node = z.strictObject({
  name: matching(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, "the Node object's name, as `kubectl get nodes` lists it"),
  address: matching(
    /^[^\s:/@]+(:\d{1,5})?$|^\[[0-9a-f:]+\](:\d{1,5})?$/i,
    "the host for SSH, with :port where it isn't 22",
  ),
  hostKey: z.string({ error: aHostKey }).refine(isHostKey, { error: aHostKey }),
  console: text(
    "a command that opens the node's serial console as a terminal, for example `ipmitool -I lanplus -H bmc-1 -E sol activate`",
  )
    .refine((console) => isTcpAddress(tcpConsole(console) ?? "host:1"), {
      error: "tcp:HOST:PORT of a console server, an IPv6 address as tcp:[fd00::1]:7001",
    })
    .optional(),
  bmc: bmc.optional(),
  hold: flag("true to leave the node out of roll-outs without unloading it, else false").default(false),
  ownNetworkOnSolarflare: flag(
    "true when you accept that loading takes down the network card that carries the node's own network, else false",
  ).default(false),
  withoutPorts: flag("true for OpenOnload over AF_XDP on a node without a Solarflare card, else false").default(false),
});

const ssh = z
  .strictObject({
    user: text("the user to log in as, with passwordless sudo").default("core"),
    privateKeyFile: text("the path of a private key without passphrase").optional(),
    agent: flag("true to use the SSH agent in SSH_AUTH_SOCK, else false").default(false),
  })
  .refine((value) => value.agent !== (value.privateKeyFile !== undefined), {
    error: "either privateKeyFile or `agent: true`, and not both",
  });

const enrolment = z.strictObject({
  mode: z
    .enum(enrolmentModes, {
      error:
        "attended (a person at the console), operator (you reboot in your own window), console (scripted serial console), " +
        "redfish (UEFI db through the BMC) or off (Secure Boot off, or the key trusted otherwise)",
    })
    .default("attended"),
  timeoutMinutes: minutes("how long a node waits for MokManager's answer and its return", 60),
  removeOnDestroy: flag("true to have a leaving node stop trusting the key, else false").default(false),
});

const rollout = z.strictObject({
  maxParallel: count("how many nodes may be out of service at once, 1 to 10000").default(1),
  drain: flag("true to evict pods before modules are reloaded (as `kubectl drain`), else false").default(true),
  drainTimeoutMinutes: minutes("how long evictions may take, PodDisruptionBudgets respected", 15),
  loadTimeoutMinutes: minutes("how long modules may take to be loaded", 15),
});

const password = z.string().regex(/^[A-Za-z0-9]{8,64}$/, {
  error: "8 to 64 of A-Z, a-z and 0-9 (firmware consoles know no other keyboard)",
});

const bmcCredentials = z.strictObject({
  user: matching(/^[^:]+$/, "the user of the nodes' BMCs, with privileges for BIOS and Secure Boot; without colons"),
  password: text("that user's password"),
});

export const schema = z.strictObject({
  cluster,
  namespace: matching(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "a namespace's name: a-z, 0-9 and -").default("onload-kmm"),
  release,
  build: build.prefault({}),
  registry: registry.optional(),
  // No upper bound: a date, 20260131, is a good counter, too.
  rebuild: count("a whole number, 0 or more; raise it to force a rebuild", 0, Number.MAX_SAFE_INTEGER).default(0),
  signing: signing.prefault({}),
  signingKey: z.string().optional(),
  signingCertificate: z.string().optional(),
  nodes: z
    .array(node, { error: "a list of nodes, the canary first: [{name, address, hostKey}, …]" })
    .min(1, { error: "at least one node" }),
  ssh,
  enrolment: enrolment.prefault({}),
  mokPassword: password.optional(),
  bmcCredentials: bmcCredentials.optional(),
  rollout: rollout.prefault({}),
});

/** The checked configuration, with every default filled in. */
export type Settings = z.infer<typeof schema>;

/** A registry outside of the cluster, for source and kmod images. */
export type RegistrySettings = NonNullable<Settings["registry"]>;

/** A type, and a key of that type: it begins with its type's length and name (RFC 4253, section 6.6). */
function isHostKey(hostKey: string): boolean {
  const form = /^(?<type>ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) (?<key>[A-Za-z0-9+/]+={0,2})$/;
  const { type = "", key = "" } = form.exec(hostKey)?.groups ?? {};
  const bytes = Buffer.from(key, "base64");
  return bytes.length > 4 && bytes.toString("latin1", 4, 4 + bytes.readUInt32BE()) === type;
}

/** Whether KMM would take it: its webhook compiles the expression as RE2. */
function isRe2(pattern: string): boolean {
  try {
    RE2JS.compile(pattern);
    return true;
  } catch {
    return false;
  }
}
