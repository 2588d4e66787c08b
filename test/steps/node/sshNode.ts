/** A node with an SSH server for one test. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import ssh2 from "ssh2";
import { ed25519Key } from "@onload-kmm/sandbox/test/sshKey";
import type { SshTarget } from "../../../core/node/sshTarget.ts";
import { startSshHost, type HostIdentity, type SshHost } from "./sshHost.ts";

/** A node with an SSH server, and how it is reached. Its commands have `environment` in theirs. */
export async function startNode(
  t: TestContext,
  environment: Readonly<Record<string, string>> = {},
  identity?: HostIdentity,
): Promise<{ host: SshHost; target: SshTarget }> {
  const host = await startSshHost(environment, identity);
  t.after(() => host.stop());
  return { host, target: targetAt(t, host.port, host) };
}

/** How it is reached, with the private key in a file of this test's. */
export function targetAt(t: TestContext, port: number, keys: Pick<SshHost, "hostKey" | "privateKey">): SshTarget {
  const directory = mkdtempSync(join(tmpdir(), "onload-kmm-ssh-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const privateKeyFile = join(directory, "id");
  writeFileSync(privateKeyFile, keys.privateKey);
  const hostKey = keys.hostKey.split(" ").slice(0, 2).join(" ");
  return { address: `127.0.0.1:${port}`, hostKey, user: "core", privateKeyFile, agent: false };
}

/** A key that isn't the node's. */
export const anotherKey = (type: "ed25519" | "rsa" = "ed25519") =>
  type === "rsa" ? ssh2.utils.generateKeyPairSync("rsa", { bits: 2048 }) : ed25519Key();
