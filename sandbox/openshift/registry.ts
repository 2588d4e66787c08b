import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
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

/**
 * The registry's records: `<stateDir>/registry/images/<sha256>.json` (each with the repositories' last pusher), and a file for
 * each tag, `tags/<repository>/<tag>`, with its digest: processes that push at once overwrite nothing of each other's. No layers,
 * no blobs, no HTTP: who asks is on this machine.
 */
export class Registry {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Opens the records of a state directory; they are made at the first push. */
  static open(stateDir: string): Registry {
    const registry = new Registry(join(stateDir, "registry"));
    registry.#takeOver();
    return registry;
  }

  /** Sandboxes that were made earlier had all tags in one file: repository → tag → digest. */
  #takeOver(): void {
    const file = join(this.#directory, "tags.json");
    const repositories = JSON.parse(textIn(file) ?? "{}") as Record<string, Record<string, string>>;
    for (const [repository, tags] of Object.entries(repositories)) {
      for (const [tag, digest] of Object.entries(tags)) this.#write(join(this.#tagsOf(repository), tag), digest);
    }
    rmSync(file, { force: true });
  }

  /** The image behind a pull spec (by tag or digest); undefined when a pull would say "manifest unknown". */
  resolve(reference: string): ImageRecord | undefined {
    const name = parseImageName(reference);
    if (name === undefined) return undefined;
    const tags = this.#tagsOf(name.repository);
    if (namesIn(tags).length === 0) return undefined;
    const digest = name.digest ?? textIn(join(tags, name.tag ?? "latest"));
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
    this.#write(this.#imageFile(digest), JSON.stringify(record, undefined, 1));
    // An image known by its digest alone is kept under that as its tag, so that the repository lists it.
    this.#write(join(this.#tagsOf(repository), tag ?? digest), digest);
    return digest;
  }

  /** Forgets one tag (pull spec with a tag) or a whole repository (path alone). The images' files stay. */
  remove(reference: string): void {
    const name = parseImageName(reference);
    if (name === undefined) return;
    const tags = this.#tagsOf(name.repository);
    const gone = reference === name.repository ? tags : join(tags, name.tag ?? name.digest ?? "");
    rmSync(gone, { recursive: true, force: true });
  }

  /** All repositories that have a tag. */
  repositories(): string[] {
    const repositories = namesIn(join(this.#directory, "tags")).map((name) => decodeURIComponent(name));
    return repositories.filter((each) => namesIn(this.#tagsOf(each)).length > 0);
  }

  /** Tags and digests of a repository. */
  tagsOf(repository: string): Record<string, string> {
    const directory = this.#tagsOf(repository);
    const digests = namesIn(directory).map((tag) => [tag, textIn(join(directory, tag))]);
    // A tag may go in this moment.
    return Object.fromEntries(digests.filter(([, digest]) => digest !== undefined)) as Record<string, string>;
  }

  #read(digest: string): ImageRecord | undefined {
    const text = textIn(this.#imageFile(digest));
    return text === undefined ? undefined : (JSON.parse(text) as ImageRecord);
  }

  #tagsOf(repository: string): string {
    return join(this.#directory, "tags", encodeURIComponent(repository));
  }

  #imageFile(digest: string): string {
    return join(this.#directory, "images", `${digest.replace("sha256:", "")}.json`);
  }

  /** In one piece: a reader never sees half a file. */
  #write(file: string, text: string): void {
    mkdirSync(dirname(file), { recursive: true });
    const unfinished = join(this.#directory, `${process.pid}.new`);
    writeFileSync(unfinished, text);
    renameSync(unfinished, file);
  }
}

/** Names in a directory; none in one that isn't there. */
const namesIn = (directory: string): string[] => unlessGone(() => readdirSync(directory)) ?? [];

const textIn = (file: string): string | undefined => unlessGone(() => readFileSync(file, "utf8"));

function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
