/** A complete configuration for tests, every key set, and how Pulumi hands one over. */

/** As a person would write it, without secrets. */
export const complete = {
  cluster: { kubeconfig: "~/.kube/prod", context: "admin", id: "7d1f3c52-0e7a-4b1c-9a53-6c1f0c9d2e11" },
  namespace: "onload",
  release: { package: "releases/onload.zip", sha256: "0".repeat(64), version: "9.0.2.140" },
  build: {
    strategy: "entitled-ubi",
    kernels: "^5\\.14\\.",
    baseImage: "registry.example.com:5000/ubi-minimal:9.6",
    timeoutMinutes: 30,
    nextKernels: [{ kernel: "5.14.0-570.62.1.el9_6.x86_64", driverToolkit: "registry.example.com/driver-toolkit:9.6" }],
  },
  registry: {
    repository: "registry.example.com:5000/team/onload",
    pushSecret: "openshift-config/onload-push",
    pullSecret: "openshift-config/mirror-pull",
    caConfigMap: "registry-cas",
  },
  rebuild: 2,
  signing: { source: "generated", subject: "Example Corp", protect: true },
  nodes: [
    {
      name: "worker-0.example.com",
      address: "worker-0.example.com:2222",
      hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPFLzwBSLxnEUDoL8AiL5LxpgO9vIJ1VnR5uaKYhcSZy",
      console: "ipmitool sol activate",
      bmc: { url: "https://worker-0-bmc/redfish/v1/Systems/1", fingerprint: "0f:".repeat(31) + "0f" },
      hold: true,
      ownNetworkOnSolarflare: true,
      withoutPorts: true,
    },
  ],
  ssh: { user: "root", privateKeyFile: "~/.ssh/id", agent: false },
  enrolment: { mode: "console", timeoutMinutes: 5, removeOnDestroy: true },
  rollout: { maxParallel: 2, drain: false, drainTimeoutMinutes: 6, loadTimeoutMinutes: 7 },
};

/** What must be there; everything else has a default. */
export const least = {
  cluster: complete.cluster,
  release: complete.release,
  nodes: [{ name: "worker-0", address: "10.0.0.1", hostKey: complete.nodes[0]?.hostKey }],
  ssh: { agent: true },
};

/** A copy of `settings` with the value at `path` replaced; `undefined` takes the key away. */
export function changed(settings: object, path: readonly (string | number)[], value: unknown): object {
  const copy = structuredClone(settings) as Record<string | number, unknown>;
  let inside = copy;
  for (const step of path.slice(0, -1)) inside = inside[step] as typeof inside;
  const last = path.at(-1) ?? assertPath();
  if (value === undefined) Reflect.deleteProperty(inside, last);
  else inside[last] = value;
  return copy;
}

function assertPath(): never {
  throw new Error("an empty path");
}

/** A string a key, as Pulumi's runtime gives it: objects, numbers and booleans as JSON. */
export function asPulumi(settings: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}

/** Paths of all values in a configuration that aren't objects or lists. */
export function leaves(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([key, member]) =>
    leaves(member, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}

/** A path as messages show it: `onload-kmm:nodes[0].name`. */
export const keyAt = (path: readonly (string | number)[]): string =>
  `onload-kmm:${path.map((step, index) => (typeof step === "number" ? `[${step}]` : `${index === 0 ? "" : "."}${step}`)).join("")}`;
