import { parseImageName } from "../openshift/imageReference.ts";
import { isOutside, RegistryRefusal } from "../openshift/outsideRegistry.ts";
import type { ImageRecord, Registry } from "../openshift/registry.ts";
import { normalizeFingerprint, srcversionOf, type Machine, type ModuleFile, type StoredImage } from "./machine.ts";
import { inTreeFiles, type ModuleTree } from "./modules.ts";

/** Why an image can't be had, in the kubelet's words. */
export interface PullFailure {
  reason: "ErrImagePull" | "InvalidImageName";
  message: string;
}

/** What a pull needs to know. */
export interface PullRequest {
  machine: Machine;
  image: string;
  /** A container's `imagePullPolicy`; absent means what the API server would have set. */
  policy: string | undefined;
  registry: Registry;
  /** Pulls from a real registry with the pod's Secret; rejects with its refusal. */
  outside: (image: string) => Promise<ImageRecord>;
  /** The `pull.fail` switch: may this image not be pulled? */
  failing: (image: string) => boolean;
}

/** Gets the image into the node's storage as the kubelet does; answers the stored image or why it can't be had. */
export async function pull(request: PullRequest): Promise<StoredImage | PullFailure> {
  const { machine, image, policy, registry, outside, failing } = request;
  if (parseImageName(image) === undefined) {
    return {
      reason: "InvalidImageName",
      message: `Failed to apply default image tag "${image}": invalid reference format`,
    };
  }
  const stored = machine.images[image];
  if (stored !== undefined && policy !== "Always") return stored;
  if (failing(image)) return missing(image, "connection refused");
  const record = isOutside(image)
    ? await outside(image).catch(wordsOf)
    : (registry.resolve(image) ?? "manifest unknown");
  if (typeof record === "string") return missing(image, record);
  const fresh = store(record);
  machine.images[image] = fresh;
  return fresh;
}

/** A refusal's own words; anything else is a fault of ours. */
function wordsOf(error: unknown): string {
  if (error instanceof RegistryRefusal) return error.message;
  throw error;
}

const missing = (image: string, why: string): PullFailure => ({
  reason: "ErrImagePull",
  message: `rpc error: code = Unknown desc = reading manifest of ${image}: ${why}`,
});

function store(record: ImageRecord): StoredImage {
  const paths = Object.keys(record.files).filter((path) => path.includes("/lib/modules/"));
  return { digest: record.digest, paths, modules: paths.flatMap((path) => moduleFile(record, path)) };
}

function moduleFile(record: ImageRecord, path: string): ModuleFile[] {
  const file = record.files[path];
  if (file?.kind !== "kmod") return [];
  const name = file.module ?? (path.split("/").pop() ?? "").replace(/\.ko(\..z)?$/, "");
  return [
    {
      name,
      path,
      outOfTree: true,
      version: file.version ?? null,
      kernel: file.kernel ?? null,
      needs: file.depends ?? null,
      // Like the real checksum over the sources it stays the same when a file is signed.
      srcversion: srcversionOf(`${name} ${file.version ?? ""}`),
      signer: file.signer ?? null,
      signerFingerprint: file.signerFingerprint === undefined ? null : normalizeFingerprint(file.signerFingerprint),
    },
  ];
}

/**
 * What `modprobe -d /tmp/opt` finds after KMM's init container copied `<dirName>/lib/modules/<kernel>` there. The
 * `kernel` symlink in it shows the host's tree; without it depmod recorded `sfc` without `mtd`. modprobe finds nothing in
 * a directory that depmod has not indexed.
 */
export function imageTree(
  machine: Machine,
  image: StoredImage,
  where: { dirName: string; kernel: string },
): ModuleTree {
  const root = `${where.dirName}/lib/modules/${where.kernel}/`;
  const inside = image.modules.filter((file) => file.path.startsWith(root));
  const has = (name: string): boolean => image.paths.includes(root + name);
  return {
    base: `/tmp${where.dirName}`,
    kernels: has("modules.dep") ? [where.kernel] : [],
    files: [
      ...inside.map((file) => ({ ...file, path: `/tmp${file.path}` })),
      ...(has("kernel") || has("host") ? inTreeFiles(machine) : []),
    ],
    softdeps: {},
  };
}
