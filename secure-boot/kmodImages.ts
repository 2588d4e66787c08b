/**
 * Real files for the kmod images in the sandbox's registry, which only lists what is in them: the sandbox's builder runs
 * no container. The files are those that assets/build-kmod.sh makes from the same source RPM for the same kernel; each is
 * signed by the kernel's sign-file if, and only if, the record says so, with the key in the cluster's Secret that belongs
 * to the certificate that the record names.
 */
import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { cp, mkdir, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Kube, KubeObject, Resource } from "@onload-kmm/sandbox/kube";
import type { StoredImage } from "@onload-kmm/sandbox/nodes/machine";
import type { MachineImages } from "./build.ts";
import { type SigningPair, signModule } from "./signing.ts";

interface Secret extends KubeObject {
  data?: Record<string, string>;
}

const secrets: Resource<Secret> = { group: "", version: "v1", plural: "secrets", kind: "Secret", namespaced: true };

/** What the images are filled from. */
export interface KmodSources {
  kube: Kube;
  images: MachineImages;
  /** Folder that build-kmod.sh has filled, as it is in the image below /opt. */
  built: Promise<string>;
  /** Where the images' files go. */
  directory: string;
}

/** The images' files, created on demand. */
export class KmodImages {
  readonly #sources: KmodSources;

  constructor(sources: KmodSources) {
    this.#sources = sources;
  }

  /** The folder that holds the image's files, signed with keys of `namespace`. */
  async filesOf(image: StoredImage, namespace: string): Promise<string> {
    const { built, directory, images } = this.#sources;
    const root = path.join(directory, image.digest.replace("sha256:", ""));
    await rm(root, { recursive: true, force: true });
    await mkdir(root, { recursive: true });
    await cp(await built, path.join(root, "opt"), { recursive: true, verbatimSymlinks: true });
    for (const { path: file, signerFingerprint } of image.modules) {
      // A record that lists what a real build doesn't make is wrong.
      await stat(path.join(root, file));
      if (signerFingerprint === null) continue;
      await signModule(images.kernelTree, await this.#pair(namespace, signerFingerprint), path.join(root, file));
    }
    return root;
  }

  /** KMM's signing Builds read data key `key` of one Secret and `cert` of the other. */
  async #pair(namespace: string, fingerprint: string): Promise<SigningPair> {
    const { items } = await this.#sources.kube.list(secrets, { namespace });
    const values = (name: string): Buffer[] =>
      items.flatMap(({ data }) => (data?.[name] === undefined ? [] : [Buffer.from(data[name], "base64")]));
    const certificate = values("cert")
      .map((pem) => new X509Certificate(pem))
      .find(({ raw }) => createHash("sha256").update(raw).digest("hex") === fingerprint);
    const key = certificate && values("key").find((pem) => certificate.checkPrivateKey(createPrivateKey(pem)));
    if (certificate === undefined || key === undefined) {
      throw new Error(`namespace ${namespace} has no signing key for the certificate ${fingerprint}`);
    }
    const file = (name: string): string => path.join(this.#sources.directory, `${fingerprint}.${name}`);
    await writeFile(file("key"), key, { mode: 0o600 });
    await writeFile(file("der"), certificate.raw);
    return { commonName: certificate.subject, keyFile: file("key"), certificateFile: file("der"), certificate };
  }
}
