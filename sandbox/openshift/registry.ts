import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseImageName } from "./imageReference.ts";

/** One file of an image. Directories are there only by the files in them. */
export interface ImageFile {
  /** Bytes. */
  size?: number;
  /** Of the content, in hex. */
  sha256?: string;
  /** `link`: a symbolic link to `target`; `kmod`: a kernel module, with the fields below. */
  kind?: "link" | "kmod";
  target?: string;
  /** The content of a small text file. */
  text?: string;
  /** A file on this machine that holds the content (uploaded in a build context). */
  source?: string;
  module?: string;
  /** The kernel for which a module was built (its vermagic). */
  kernel?: string;
  /** `modinfo -F version`. */
  version?: string;
  /** Names of modules it depends on. */
  depends?: string[];
  /** Common name of the signing certificate's subject, as `modinfo -F signer` shows it; absent when unsigned. */
  signer?: string;
  /** SHA-256 of the signing certificate (DER), lower-case hex without colons. */
  signerFingerprint?: string;
}

/** What an image says beside its files. */
export interface ImageConfig {
  env?: Record<string, string>;
  user?: string;
  workingDirectory?: string;
  labels?: Record<string, string>;
}

/** The content of an image, before it has a digest. */
export interface ImageContent {
  /** Who made it: a Build (`NAMESPACE/NAME UID`), or a fixture. Part of the digest, as a time stamp is in real images. */
  createdBy: string;
  config: ImageConfig;
  /** By absolute path. */
  files: Record<string, ImageFile>;
}

/** An image as the registry keeps it. */
export interface ImageRecord extends ImageContent {
  digest: string;
  repository: string;
}

/** repository → tag → digest. */
type TagIndex = Record<string, Record<string, string>>;

/**
 * The registry's records: `<stateDir>/registry/images/<sha256>.json` (each with the repositories' last pusher) and
 * `tags.json`. No layers, no blobs, no HTTP: who asks is on this machine.
 */
export class Registry {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Opens the records of a state directory; they are made at the first push. */
  static open(stateDir: string): Registry {
    return new Registry(join(stateDir, "registry"));
  }

  /** The image behind a pull spec (by tag or digest); undefined when a pull would say "manifest unknown". */
  resolve(reference: string): ImageRecord | undefined {
    const name = parseImageName(reference);
    if (name === undefined) return undefined;
    const tags = this.#tags()[name.repository];
    const digest = tags === undefined ? undefined : (name.digest ?? tags[name.tag ?? ""]);
    const image = digest === undefined ? undefined : this.#read(digest);
    // By digest an image is found also after its tag has moved on, as by an ImageStream's history.
    return image?.repository === name.repository ? image : undefined;
  }

  /** Stores the image under the tag that `reference` names; answers its digest. A pull spec by digest is refused. */
  push(reference: string, content: ImageContent): string {
    const name = parseImageName(reference);
    if (name?.tag === undefined) throw new Error(`registry: cannot push to ${reference}: not a repository with a tag`);
    const { createdBy, config, files } = content;
    const body = JSON.stringify({ createdBy, config, files });
    return this.preload(reference, content, `sha256:${createHash("sha256").update(body).digest("hex")}`);
  }

  /** Stores an image of the outside world under the digest that it is known by there. */
  preload(reference: string, content: ImageContent, digest: string): string {
    const { repository, tag } = parseImageName(reference) ?? {};
    if (repository === undefined) throw new Error(`registry: ${reference} is no image reference`);
    const record: ImageRecord = { digest, repository, ...content };
    this.#write(this.#imageFile(digest), record);
    const tags = this.#tags();
    // An image known by its digest alone is kept under that as its tag, so that the repository lists it.
    tags[repository] = { ...tags[repository], [tag ?? digest]: digest };
    this.#write(join(this.#directory, "tags.json"), tags);
    return digest;
  }

  /** Forgets one tag (pull spec with a tag) or a whole repository (path alone). The images' files stay. */
  remove(reference: string): void {
    const tags = this.#tags();
    const name = parseImageName(reference);
    if (name === undefined) return;
    const repository = tags[name.repository];
    if (repository === undefined) return;
    const whole = reference === name.repository;
    const rest = Object.entries(repository).filter(([tag]) => !whole && tag !== name.tag);
    if (rest.length > 0) tags[name.repository] = Object.fromEntries(rest);
    else Reflect.deleteProperty(tags, name.repository);
    this.#write(join(this.#directory, "tags.json"), tags);
  }

  /** All repositories that have a tag. */
  repositories(): string[] {
    return Object.keys(this.#tags());
  }

  /** Tags and digests of a repository. */
  tagsOf(repository: string): Record<string, string> {
    return this.#tags()[repository] ?? {};
  }

  #read(digest: string): ImageRecord | undefined {
    const file = this.#imageFile(digest);
    return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as ImageRecord) : undefined;
  }

  #tags(): TagIndex {
    const file = join(this.#directory, "tags.json");
    return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as TagIndex) : {};
  }

  #imageFile(digest: string): string {
    return join(this.#directory, "images", `${digest.replace("sha256:", "")}.json`);
  }

  /** In one piece: a reader never sees half a file. */
  #write(file: string, value: unknown): void {
    mkdirSync(join(this.#directory, "images"), { recursive: true });
    writeFileSync(`${file}.new`, JSON.stringify(value, undefined, 1));
    renameSync(`${file}.new`, file);
  }
}
