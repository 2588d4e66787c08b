import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh from "ssh2";
import { ed25519Key } from "@onload-kmm/sandbox/test/sshKey";
import { rsaPair } from "../core/configuration/pems.ts";

/** Files on the bastion that a mistaken configuration names. */
export interface MistakenFiles {
  /** The text with each `$NAME` as the path of the file of that name. */
  named(text: string): string;
  content(name: string): Promise<string>;
  bytes(name: string): Promise<Buffer>;
  remove(): Promise<void>;
}

/** Keys and certificates that are no good, and a good pair beside them, in a directory of their own. */
export async function mistakenFiles(): Promise<MistakenFiles> {
  const directory = await mkdtemp(join(tmpdir(), "onload-kmm-mistakes-"));
  const [good, other] = [await rsaPair(), await rsaPair()];
  const stranger = ed25519Key();
  const contents: Record<string, string | Uint8Array> = {
    "ssh-locked": lockedSshKey(),
    "ssh-other": stranger.private,
    "ssh-other.pub": stranger.public,
    "good.pem": good.key,
    "good.crt": good.certificate,
    "good.der": new X509Certificate(good.certificate).raw,
    "other.crt": other.certificate,
    "locked.pem": signingKey("rsa", "secret"),
    "ec.pem": signingKey("ec"),
  };
  const pathOf = (name: string): string => join(directory, name);
  await Promise.all(Object.entries(contents).map(([name, text]) => writeFile(pathOf(name), text, { mode: 0o600 })));
  return {
    named: (text) => text.replace(/^\$(.+)$/, (_all, name: string) => pathOf(name)),
    content: (name) => readFile(pathOf(name), "utf8"),
    bytes: (name) => readFile(pathOf(name)),
    remove: () => rm(directory, { recursive: true }),
  };
}

const lockedSshKey = (): string =>
  ssh.utils.generateKeyPairSync("ed25519", { passphrase: "secret", cipher: "aes256-ctr", rounds: 1 }).private;

function signingKey(type: "rsa" | "ec", passphrase?: string): string {
  const { privateKey } =
    type === "rsa"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : generateKeyPairSync("ec", { namedCurve: "P-256" });
  const lock = passphrase === undefined ? {} : { cipher: "aes-256-cbc", passphrase };
  return privateKey.export({ type: "pkcs8", format: "pem", ...lock }).toString();
}
