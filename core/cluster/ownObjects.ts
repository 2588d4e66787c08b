import { z } from "zod";
import { kmmKernel } from "../build/imageTag.ts";
import { domain, moduleName, names } from "../names.ts";

/** A KMM Module as it is in the cluster, as far as it names other objects. */
export interface LiveModule {
  readonly spec: {
    readonly imageRepoSecret?: Named;
    readonly moduleLoader?: {
      readonly serviceAccountName?: string;
      readonly container?: {
        readonly version?: string;
        readonly kernelMappings?: readonly {
          readonly literal?: string;
          readonly containerImage?: string;
          readonly build?: { readonly dockerfileConfigMap?: Named; readonly secrets?: readonly Named[] };
          readonly sign?: { readonly keySecret?: Named; readonly certSecret?: Named };
        }[];
      };
    };
  };
}

interface Named {
  readonly name: string;
}

/** An object that somebody deleted. */
const remake = z.object({
  /** When a look missed it (RFC 3339). */
  since: z.string(),
  /** Whether it is missing still, so that this `up` makes it again. */
  isGone: z.boolean(),
});
export type Remake = z.infer<typeof remake>;

/**
 * Own objects that somebody has ever deleted. The engine believes its state, and would leave them be; another date here
 * is what makes it replace the object.
 */
export const remade = z.object({
  namespace: remake.exactOptional(),
  "service-account": remake.exactOptional(),
  "privileged-binding": remake.exactOptional(),
  "source-stream": remake.exactOptional(),
  "source-build": remake.exactOptional(),
  "registry-secret": remake.exactOptional(),
  "signing-key": remake.exactOptional(),
  "signing-cert": remake.exactOptional(),
  entitlement: remake.exactOptional(),
  dockerfile: remake.exactOptional(),
  module: remake.exactOptional(),
});
export type Remade = z.infer<typeof remade>;

/** What each object that `up` makes in the cluster is to its stack. */
type OwnObject = keyof Remade;

/** Annotations on the namespace, `remade.onload-kmm.io/module: 2026-11-26T03:00:00Z` and so on: what a look finds next time. */
const prefix = `remade.${domain}/`;

export const remadeAnnotations = (remade: Remade): Record<string, string> =>
  Object.fromEntries(Object.entries(remade).map(([object, { since }]) => [prefix + object, since]));

/** What the namespace remembers, and what is missing at this time. */
export function remadeAt(
  now: string,
  missing: ObjectNames,
  annotations: Readonly<Record<string, string>> = {},
): Remade {
  const before = Object.entries(annotations)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, since]) => [key.slice(prefix.length), { since, isGone: false }]);
  const again = Object.keys(missing).map((object) => [object, { since: now, isGone: true }]);
  return Object.fromEntries([...before, ...again]) as Remade;
}

/** The Secret with the certificate that the Module's kernel modules are signed for. */
export const certSecretOf = (module: LiveModule): string | undefined => firstMapping(module)?.sign?.certSecret?.name;

/** The kernels that the Module has a mapping for. */
export const literalKernels = ({ spec }: LiveModule): string[] =>
  (spec.moduleLoader?.container?.kernelMappings ?? []).flatMap(({ literal }) => literal ?? []);

/** Whether KMM builds for this kernel, and loads; an older program's Module has a pattern for all kernels. */
export const isMapped = (kernel: string, module: LiveModule | undefined): boolean =>
  (module?.spec.moduleLoader?.container?.kernelMappings ?? []).some(
    ({ literal }) => literal === undefined || literal === kmmKernel(kernel),
  );

/** Own objects by what they are, named as `kubectl get -o name` prints them; a name that ends with `-` is the beginning of one. */
export type ObjectNames = Readonly<Partial<Record<OwnObject, string>>>;

const always: ObjectNames = {
  "service-account": `serviceaccount/${names.serviceAccount}`,
  "privileged-binding": `rolebinding.rbac.authorization.k8s.io/${names.privilegedBinding}`,
  "source-build": `buildconfig.build.openshift.io/${names.srpmBuildConfig}`,
};

/** Where images go: the internal registry finds them by an ImageStream, any other one lets in by a Secret. */
const imagePlace = (isOutside: boolean): ObjectNames =>
  isOutside
    ? { "registry-secret": `secret/${names.registrySecret}` }
    : { "source-stream": `imagestream.image.openshift.io/${names.srpmImageStream}` };

/** Beginnings of the names that hold a hash of what is in the object. */
export const hashedNames = {
  "signing-key": "onload-signing-key-",
  "signing-cert": "onload-signing-cert-",
  dockerfile: "onload-dockerfile-",
} as const;

/**
 * What must be there as long as the Module is. `up` makes these before the Module and `destroy` takes them after it, so
 * one that is missing was deleted by somebody else.
 */
export function standsOn(module: LiveModule): ObjectNames {
  const mapping = firstMapping(module);
  return {
    ...always,
    ...imagePlace(module.spec.imageRepoSecret !== undefined),
    ...named("entitlement", "secret", mapping?.build?.secrets?.[0]),
    ...named("signing-key", "secret", mapping?.sign?.keySecret),
    ...named("signing-cert", "secret", mapping?.sign?.certSecret),
    ...named("dockerfile", "configmap", mapping?.build?.dockerfileConfigMap),
  };
}

/** The same where the Module itself was deleted, and tells no names. */
export const orphans = (isOutside: boolean): ObjectNames => ({
  module: `module.kmm.sigs.x-k8s.io/${moduleName}`,
  ...always,
  ...imagePlace(isOutside),
  "signing-key": `secret/${hashedNames["signing-key"]}`,
  "signing-cert": `secret/${hashedNames["signing-cert"]}`,
  dockerfile: `configmap/${hashedNames.dockerfile}`,
});

/** Which of the wanted objects aren't among those found, both as `kubectl get -o name` prints them. */
export function missingOf(wanted: ObjectNames, found: readonly string[]): ObjectNames {
  const isThere = (name: string) => found.some((each) => (name.endsWith("-") ? each.startsWith(name) : each === name));
  return Object.fromEntries(Object.entries(wanted).filter(([, name]) => !isThere(name)));
}

const firstMapping = ({ spec }: LiveModule) => spec.moduleLoader?.container?.kernelMappings?.[0];

const named = (object: OwnObject, kind: string, found: Named | undefined): ObjectNames =>
  found === undefined ? {} : { [object]: `${kind}/${found.name}` };
