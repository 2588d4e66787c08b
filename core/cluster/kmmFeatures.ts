/** What a KMM does, told by its CRDs: a version's name doesn't say when a change came (docs/kmm.md). */
export interface KmmFeatures {
  /** The line: the oldest that has all of these features. */
  readonly line: "2.4" | "2.5" | "2.6" | "2.7";
  /**
   * From 2.7 on an image is pushed unsigned under its final tag, and then replaced by the signed one. When the signature
   * fails the unsigned one stays.
   */
  readonly signsInPlace: boolean;
}

/** A CustomResourceDefinition, as far as it tells KMM's lines apart. */
export interface CrdObject {
  readonly metadata: { readonly name: string };
  readonly spec?: {
    readonly versions?: readonly {
      readonly schema?: {
        readonly openAPIV3Schema?: {
          readonly properties?: { readonly spec?: { readonly properties?: Readonly<Record<string, unknown>> } };
        };
      };
    }[];
  };
}

/** Names of the CRDs that {@link kmmFeatures} looks at. */
export const tellingCrds = ["modules.kmm.sigs.x-k8s.io", "bootmoduleconfigs.kmm.sigs.x-k8s.io"] as const;

/** Told by `BootModuleConfig` (2.5), `imageRebuildTriggerGeneration` (2.6) and `dra` (2.7), of which each line has the former. */
export function kmmFeatures(crds: readonly CrdObject[]): KmmFeatures {
  const [modules, boot] = tellingCrds.map((name) => crds.find(({ metadata }) => metadata.name === name));
  const has = (field: string) => modules?.spec?.versions?.some((version) => field in specOf(version)) ?? false;
  const line = has("dra") ? "2.7" : has("imageRebuildTriggerGeneration") ? "2.6" : boot !== undefined ? "2.5" : "2.4";
  return { line, signsInPlace: line === "2.7" };
}

type Version = NonNullable<NonNullable<CrdObject["spec"]>["versions"]>[number];

const specOf = ({ schema }: Version): Readonly<Record<string, unknown>> =>
  schema?.openAPIV3Schema?.properties?.spec?.properties ?? {};
