import { inRange, type Version } from "./version.ts";

/** A program that the sandbox runs. */
export type Program =
  "pulumi" | "kubectl" | "kube-apiserver" | "kube-controller-manager" | "etcd" | "kwok" | "registry";

/** Programs that come from one Go module, and what an installed copy of them must be to be used instead. */
export interface Tool {
  /** Folder beside this file with go.mod and go.sum. */
  readonly name: "kubernetes" | "pulumi" | "etcd" | "kwok" | "registry";
  /** Version in go.mod, for people. */
  readonly version: string;
  /** Programs, each with the name that `go install` gives it. */
  readonly programs: Readonly<Partial<Record<Program, string>>>;
  /** Arguments that make an installed program print its version. */
  readonly versionArgs: Readonly<Partial<Record<Program, readonly string[]>>>;
  /** For the linker. Kubernetes and pulumi don't know their own version without. */
  readonly ldflags: string;
  /**
   * Minutes that a build takes on 2 quiet cores, in this order: what an earlier one has compiled is shared. The sum is
   * measured; each one's share follows its packages and the times seen on a busy machine.
   */
  readonly minutes: number;
  /** Whether installed programs of these versions are used. */
  fits(versions: ReadonlyMap<Program, Version>): boolean;
}

const kubernetesVersion = "k8s.io/component-base/version";

function only(program: Program, from: Version, below: Version): Tool["fits"] {
  return (versions) => {
    const version = versions.get(program);
    return version !== undefined && inRange(version, from, below);
  };
}

/**
 * Kubernetes' version skew policy: kube-controller-manager isn't newer than kube-apiserver and at most one minor
 * older here (the policy says three; one was tried), kubectl is one minor around it.
 */
function kubernetesFits(versions: ReadonlyMap<Program, Version>): boolean {
  const server = versions.get("kube-apiserver");
  const manager = versions.get("kube-controller-manager");
  const kubectl = versions.get("kubectl");
  if (!server || !manager || !kubectl || !inRange(server, [1, 32, 0], [1, 37, 0])) return false;
  const managerLag = server[1] - manager[1];
  return manager[0] === 1 && kubectl[0] === 1 && [0, 1].includes(managerLag) && Math.abs(server[1] - kubectl[1]) <= 1;
}

/** Everything that may have to be built, in the order in which it is. */
export const tools: readonly Tool[] = [
  {
    name: "kubernetes",
    version: "v1.34.4",
    programs: {
      "kube-apiserver": "kube-apiserver",
      "kube-controller-manager": "kube-controller-manager",
      kubectl: "kubectl",
    },
    versionArgs: {
      "kube-apiserver": ["--version"],
      "kube-controller-manager": ["--version"],
      kubectl: ["version", "--client"],
    },
    ldflags: [
      "-s -w",
      `-X ${kubernetesVersion}.gitVersion=v1.34.4`,
      `-X ${kubernetesVersion}.gitMajor=1`,
      `-X ${kubernetesVersion}.gitMinor=34`,
    ].join(" "),
    minutes: 5,
    fits: kubernetesFits,
  },
  {
    name: "pulumi",
    version: "v3.259.0",
    programs: { pulumi: "pulumi" },
    versionArgs: { pulumi: ["version"] },
    ldflags: "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.259.0",
    minutes: 4.5,
    fits: only("pulumi", [3, 230, 0], [4, 0, 0]),
  },
  {
    name: "etcd",
    version: "v3.6.4",
    // go install names a program after its package path's last element that isn't a major version.
    programs: { etcd: "server" },
    versionArgs: { etcd: ["--version"] },
    ldflags: "-s -w",
    minutes: 0.7,
    // With etcd 3.4 the API server logs `Too large resource version` by the hundred.
    fits: only("etcd", [3, 5, 0], [4, 0, 0]),
  },
  {
    name: "kwok",
    version: "v0.8.0",
    programs: { kwok: "kwok" },
    versionArgs: { kwok: ["--version"] },
    ldflags: "-s -w",
    minutes: 1.8,
    fits: only("kwok", [0, 7, 0], [1, 0, 0]),
  },
];

/** A registry, for tests of one outside of the cluster: not needed by a sandbox, and so not built with the others. */
export const registryTool: Tool = {
  name: "registry",
  version: "v3.1.2",
  programs: { registry: "registry" },
  versionArgs: { registry: ["--version"] },
  ldflags: "-s -w -X github.com/distribution/distribution/v3/version.version=v3.1.2",
  minutes: 2,
  fits: only("registry", [3, 0, 0], [4, 0, 0]),
};

/** Names of a tool's programs. */
export function programsOf(tool: Tool): Program[] {
  return Object.keys(tool.programs) as Program[];
}
