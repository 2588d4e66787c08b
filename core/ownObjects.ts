import { names } from "./names.ts";

/** A KMM Module as it is in the cluster, as far as it names other objects. */
export interface LiveModule {
  readonly spec: {
    readonly moduleLoader?: {
      readonly serviceAccountName?: string;
      readonly container?: {
        readonly version?: string;
        readonly kernelMappings?: readonly {
          readonly build?: { readonly dockerfileConfigMap?: Named };
          readonly sign?: { readonly keySecret?: Named; readonly certSecret?: Named };
        }[];
      };
    };
  };
}

interface Named {
  readonly name: string;
}

/** The Secret with the certificate that the Module's kernel modules are signed for. */
export const certSecretOf = (module: LiveModule): string | undefined => mappings(module)[0]?.sign?.certSecret?.name;

/**
 * What must be there as long as the Module is, as `kubectl get -o name` prints it. `up` makes these before the Module and
 * `destroy` takes them after it, so one that is missing was deleted by somebody else.
 */
export function standsOn(module: LiveModule): string[] {
  const secrets = mappings(module).flatMap(({ sign }) => [sign?.keySecret, sign?.certSecret]);
  const texts = mappings(module).map(({ build }) => build?.dockerfileConfigMap);
  return [
    `serviceaccount/${module.spec.moduleLoader?.serviceAccountName ?? names.serviceAccount}`,
    `rolebinding.rbac.authorization.k8s.io/${names.privilegedBinding}`,
    `imagestream.image.openshift.io/${names.srpmImageStream}`,
    `buildconfig.build.openshift.io/${names.srpmBuildConfig}`,
    ...named("secret", secrets),
    ...named("configmap", texts),
  ];
}

const mappings = ({ spec }: LiveModule) => spec.moduleLoader?.container?.kernelMappings ?? [];

const named = (kind: string, objects: readonly (Named | undefined)[]): string[] => [
  ...new Set(objects.flatMap((object) => (object === undefined ? [] : [`${kind}/${object.name}`]))),
];
