import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { extract } from "tar-stream";
import type { ImageFile } from "../registry.ts";
import { BuildFailure } from "./failure.ts";
import type { Files } from "./files.ts";

/** Files up to this size are kept as text in the image's record, when they are text. */
const TEXT_BYTES = 65_536;

/** A build context: its files under `/`, and the Dockerfile's text if there is one. */
export interface Context {
  files: Files;
  dockerfile?: string;
}

/**
 * Unpacks an uploaded binary context (tar or tar.gz; a zip is refused). Contents too big for a record are kept in
 * `<stateDir>/registry/files/<sha256>`.
 */
export async function readContext(archive: string, stateDir: string): Promise<Context> {
  const bytes = await readFile(archive);
  if (bytes.toString("latin1", 0, 2) === "PK") {
    throw new BuildFailure("FetchSourceFailed", "error: the builder of this sandbox takes tar and tar.gz, not zip");
  }
  const files: Files = new Map();
  const tar = extract();
  try {
    tar.end(bytes.length > 2 && bytes.readUInt16BE(0) === 0x1f8b ? gunzipSync(bytes) : bytes);
    for await (const entry of tar) {
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      const path = `/${entry.header.name.replace(/^(\.?\/)+/, "")}`;
      if (entry.header.type === "file") files.set(path, store(Buffer.concat(chunks), stateDir));
    }
  } catch (error) {
    throw new BuildFailure("FetchSourceFailed", `error: cannot unpack the build context: ${(error as Error).message}`);
  }
  const dockerfile = files.get("/Dockerfile")?.text;
  return { files, ...(dockerfile === undefined ? {} : { dockerfile }) };
}

function store(content: Buffer, stateDir: string): ImageFile {
  const sha256 = createHash("sha256").update(content).digest("hex");
  const file = { size: content.length, sha256 };
  if (content.length <= TEXT_BYTES && !content.includes(0)) return { ...file, text: content.toString("utf8") };
  const directory = join(stateDir, "registry", "files");
  mkdirSync(directory, { recursive: true });
  const source = join(directory, sha256);
  writeFileSync(source, content);
  return { ...file, source };
}
