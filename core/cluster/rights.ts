/**
 * What this program asks an API server for, and why: nothing else. `npm run rbac` writes manifests from it, docs/access.md its
 * table, and `preview` looks whether the kubeconfig's user has it all.
 */
import { configNamespace, secretAt } from "../build/registryTrust.ts";
import type { Strategy } from "../configuration/choices.ts";
import type { RegistrySettings } from "../configuration/settings.ts";
import { moduleName, names } from "../names.ts";
import { tellingCrds } from "./kmmFeatures.ts";
import { hashedNames } from "./ownObjects.ts";

/** The settings by which stacks need different rights. */
export interface RightsFor {
  readonly namespace: string;
  readonly strategy: Strategy;
  readonly registry?: RegistrySettings | undefined;
  /** Whether `build.nextKernels` names any. */
  readonly nextKernels: boolean;
}

/** Verbs on a kind of objects. */
export interface Right {
  /** API group; empty for the core group. */
  readonly group: string;
  /** In the plural, with a subresource behind a slash. */
  readonly resource: string;
  readonly verbs: readonly string[];
  /** Absent: whatever the objects are called. */
  readonly names?: readonly string[];
  /** Absent: in the whole cluster. */
  readonly namespace?: string;
  readonly why: string;
  /** Without it all goes as well; only an error or a warning says less. */
  readonly isForWords?: true;
}

type Where = Pick<Right, "namespace">;
type Only = Pick<Right, "names" | "isForWords">;

/** `resource` as kubectl writes it: `builds.build.openshift.io/log`. */
const parts = (kind: string): Pick<Right, "group" | "resource"> => {
  const [whole = "", sub] = kind.split("/");
  const [plural = "", ...group] = whole.split(".");
  return { group: group.join("."), resource: sub === undefined ? plural : `${plural}/${sub}` };
};

/** A right's resource as kubectl writes it. */
export const kindOf = ({ group, resource }: Pick<Right, "group" | "resource">): string => {
  const [plural = "", sub] = resource.split("/");
  return `${plural}${group === "" ? "" : `.${group}`}${sub === undefined ? "" : `/${sub}`}`;
};

const right =
  (where: Where) =>
  (kind: string, verbs: string, why: string, only: Only = {}): Right => ({
    ...parts(kind),
    verbs: verbs.split(" "),
    ...only,
    ...where,
    why,
  });

const forWords = { isForWords: true } as const;

/** The names of the next kernels' objects that KMM makes, too. */
const rounds = [moduleName, `${moduleName}-preflight`];

/** All that a stack with these settings needs; each verb on each kind once, wherever it is allowed. */
export const rightsOf = (settings: RightsFor): Right[] => [
  ...inCluster(settings),
  ...(settings.nextKernels ? validations : []),
  ...inLeases,
  ...aroundBuilds(settings),
  ...inOwnNamespace(settings),
];

const anywhere = right({});

const inCluster = ({ namespace, registry }: RightsFor): Right[] => [
  anywhere("namespaces", "get", "each step compares the cluster's identity with `cluster.id` before anything else", {
    names: ["kube-system"],
  }),
  anywhere(
    "namespaces",
    "get patch delete",
    "the stack's own, which holds its settings and what it remembers of images; `destroy` deletes it",
    { names: [namespace] },
  ),
  anywhere(
    "namespaces",
    "list watch",
    "finds a stack that was moved; Pulumi's provider awaits the deletion so, and hangs without `list`",
  ),
  anywhere("nodes", "get list patch", "labels, annotations and cordons; which kernels and machines there are"),
  anywhere("pods", "get list", "what runs on a node before it is drained, and until it is gone; KMM's pods"),
  anywhere("pods/eviction", "create", "drains a node"),
  anywhere("daemonsets.apps", "get", "`kubectl drain` leaves alone what a DaemonSet has placed"),
  anywhere("poddisruptionbudgets.policy", "list", "names what kept a drain from ending", forWords),
  anywhere("modules.kmm.sigs.x-k8s.io", "list", "finds a Module of somebody else that loads OpenOnload"),
  anywhere("nodemodulesconfigs.kmm.sigs.x-k8s.io", "get list", "what KMM has loaded on a node"),
  anywhere("customresourcedefinitions.apiextensions.k8s.io", "get", "tells KMM's lines apart while images are built", {
    names: tellingCrds,
  }),
  anywhere("clusterserviceversions.operators.coreos.com", "list", "KMM's version"),
  anywhere("clusterversions.config.openshift.io", "get", "whether builds and the registry are enabled", {
    names: ["version"],
  }),
  anywhere("clusteroperators.config.openshift.io", "get", "whether etcd can spare a control-plane node", {
    names: ["etcd"],
  }),
  anywhere("configs.imageregistry.operator.openshift.io", "get", "whether the internal registry is in use", {
    names: ["cluster"],
  }),
  ...(registry === undefined
    ? []
    : [
        anywhere("images.config.openshift.io", "get", "which authorities the cluster trusts for registries", {
          names: ["cluster"],
        }),
      ]),
  anywhere("securitycontextconstraints.security.openshift.io", "get", "whether KMM's workers can run", {
    names: ["privileged"],
  }),
  anywhere("machineconfigpools.machineconfiguration.openshift.io", "list", "whether an update is on its way to a node"),
  anywhere("nodehealthchecks.remediation.medik8s.io", "list", "whether one would power-cycle a node in its firmware"),
  anywhere("machinehealthchecks.machine.openshift.io", "list", "the same"),
];

/** They are in no namespace. */
const validations: Right[] = [
  anywhere(
    "preflightvalidationsocp.kmm.sigs.x-k8s.io",
    "get list create delete",
    "has KMM build for `build.nextKernels` before a node boots into one",
  ),
];

const inLeases: Right[] = [
  right({ namespace: names.leaseNamespace })(
    "leases.coordination.k8s.io",
    "get create update patch delete",
    "work on a node needs its Lease and one of the stack's `maxParallel`; beside the kubelets', so that all stacks see them",
  ),
];

/** What the build stands on, in namespaces of others. */
const aroundBuilds = ({ strategy, registry }: RightsFor): Right[] => [
  ...(strategy === "driver-toolkit"
    ? [
        right({ namespace: names.toolkitNamespace })(
          "imagestreams.image.openshift.io",
          "get",
          "whether there is a Driver Toolkit for each kernel",
          { names: [names.toolkitImageStream] },
        ),
      ]
    : [
        right({ namespace: names.entitlementNamespace })(
          "secrets",
          "get",
          "the entitlement, which is copied for builds",
          {
            names: [names.entitlementSecret],
          },
        ),
      ]),
  ...(registry === undefined ? [] : forRegistry(registry)),
];

function forRegistry({ pushSecret, pullSecret }: RegistrySettings): Right[] {
  const secrets = new Set([pushSecret, pullSecret].filter((reference) => reference !== undefined));
  return [
    ...[...secrets].map((reference) => {
      const { namespace, name } = secretAt(reference);
      return right({ namespace })(
        "secrets",
        "get",
        "credentials for the registry, which are copied for builds and nodes",
        {
          names: [name],
        },
      );
    }),
    right({ namespace: configNamespace })(
      "configmaps",
      "get",
      "the authorities that the cluster trusts for registries, by the name that its configuration has for them",
    ),
  ];
}

/** Server-side apply of an object that isn't there needs `create` beside `patch`. */
const own = "get create patch delete";
const awaited = "Pulumi's provider awaits each deletion by them, and hangs without `list`";

function inOwnNamespace({ namespace, registry }: RightsFor): Right[] {
  const here = right({ namespace });
  const only = (...all: readonly string[]) => ({ names: all });
  return [
    here("serviceaccounts", own, "the account under which KMM's workers run", only(names.serviceAccount)),
    here("serviceaccounts", "list watch", awaited),
    here(
      "rolebindings.rbac.authorization.k8s.io",
      own,
      "lets that account use the privileged SCC",
      only(names.privilegedBinding),
    ),
    here("rolebindings.rbac.authorization.k8s.io", "list watch", awaited),
    here(
      "clusterroles.rbac.authorization.k8s.io",
      "bind",
      "that RoleBinding grants more than this account has; nothing else can be bound",
      only("system:openshift:scc:privileged"),
    ),
    here(
      "secrets",
      `${own} list watch`,
      `signing key, certificate and copied credentials; their names hold a hash (${hashedNames["signing-key"]}…)`,
    ),
    here("configmaps", `${own} list watch`, `the Dockerfile; its name holds a hash (${hashedNames.dockerfile}…)`),
    ...(registry === undefined ? ownStreams(namespace) : []),
    here("buildconfigs.build.openshift.io", own, "builds the source image", only(names.srpmBuildConfig)),
    here("buildconfigs.build.openshift.io", "list watch", awaited),
    here(
      "buildconfigs.build.openshift.io/instantiatebinary",
      "create",
      "uploads the source release",
      only(names.srpmBuildConfig),
    ),
    here("builds.build.openshift.io", "get list patch", "follows builds, and cancels those that must not go on"),
    here("builds.build.openshift.io/log", "get", "keeps their logs, also for the error when one fails", forWords),
    here(
      "builds.build.openshift.io/docker",
      "create",
      "OpenShift asks it of whoever makes a BuildConfig with a Dockerfile; all users have it, unless somebody took it away",
    ),
    here("modules.kmm.sigs.x-k8s.io", own, "the Module", only(moduleName)),
    here("modules.kmm.sigs.x-k8s.io", "watch", "Pulumi's provider awaits its deletion"),
    ...["moduleimagesconfigs", "modulebuildsignconfigs"].map((plural) =>
      here(`${plural}.kmm.sigs.x-k8s.io`, "get delete", "how far KMM is with an image, and to make it begin again", {
        names: rounds,
      }),
    ),
    here("pods", "delete", "a worker of KMM's that hangs and would never end"),
    here("pods/log", "get", "what a worker said before it failed", forWords),
    here("events", "list watch", "why a build doesn't start; Pulumi's provider shows them", forWords),
  ];
}

function ownStreams(namespace: string): Right[] {
  const here = right({ namespace });
  return [
    here("imagestreams.image.openshift.io", own, "where the source image is pushed to", {
      names: [names.srpmImageStream],
    }),
    here("imagestreams.image.openshift.io", "get", "which images were really pushed; the registry makes it", {
      names: [names.kmodImageStream],
    }),
    here("imagestreams.image.openshift.io", "list watch", awaited),
    here("imagestreamtags.image.openshift.io", "delete", "takes away an image that isn't signed"),
  ];
}
