import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import ssh2 from "ssh2";
import { runRemote, Unreachable, type SshTarget } from "../../../steps/lib/ssh.ts";
import { StepError } from "../../../steps/lib/step.ts";
import { startSshHost, type SshHost } from "../../sandbox/plugins/sshServer.ts";

/** A node with an SSH server, and how it is reached. */
async function start(t: TestContext): Promise<{ host: SshHost; target: SshTarget }> {
  const host = await startSshHost();
  t.after(() => host.stop());
  return { host, target: targetAt(t, host.port, host) };
}

function targetAt(t: TestContext, port: number, keys: Pick<SshHost, "hostKey" | "privateKey">): SshTarget {
  const directory = mkdtempSync(join(tmpdir(), "onload-kmm-ssh-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const privateKeyFile = join(directory, "id");
  writeFileSync(privateKeyFile, keys.privateKey);
  const hostKey = keys.hostKey.split(" ").slice(0, 2).join(" ");
  return { address: `127.0.0.1:${port}`, hostKey, user: "core", privateKeyFile, agent: false };
}

const another = (type: "ed25519" | "rsa" = "ed25519") =>
  type === "rsa" ? ssh2.utils.generateKeyPairSync("rsa", { bits: 2048 }) : ssh2.utils.generateKeyPairSync("ed25519");

/** That nothing of ours reached the node, and that a person can mend it: waiting would not help. */
const refusedWith = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof StepError && !(error instanceof Unreachable), String(error));
  assert.match(error.message, message);
  return true;
};

test("a command gets its input and gives output, errors and exit code apart", async (t) => {
  const { target } = await start(t);
  assert.deepEqual(await runRemote(target, "cat; echo oops >&2; exit 7", "certificate=AAAA\n"), {
    code: 7,
    stdout: "certificate=AAAA\n",
    stderr: "oops\n",
  });
});

test("output that comes in many pieces comes whole", async (t) => {
  const { target } = await start(t);
  const { stdout } = await runRemote(target, "seq 1 20000", "");
  assert.equal(stdout.trimEnd().split("\n").length, 20_000);
});

test("a node with another host key is sent nothing", async (t) => {
  const { target } = await start(t);
  const hostKey = another().public.split(" ").slice(0, 2).join(" ");
  await assert.rejects(
    runRemote({ ...target, hostKey }, "touch /nowhere", "secret"),
    refusedWith(/its SSH host key is not the configured ssh-ed25519 one; nothing was sent to it\. Find out why/),
  );
});

test("a node can't prove itself by another of its keys than the configured type's", async (t) => {
  const { target } = await start(t);
  const hostKey = another("rsa").public.split(" ").slice(0, 2).join(" ");
  await assert.rejects(
    runRemote({ ...target, hostKey }, "true", ""),
    refusedWith(/it has no SSH host key of the configured type ssh-rsa/),
  );
});

test("a login that is refused is told, with what to check", async (t) => {
  const { host, target } = await start(t);
  const stranger = targetAt(t, host.port, { hostKey: target.hostKey, privateKey: another().private });
  await assert.rejects(runRemote(stranger, "true", ""), refusedWith(/core may not log in; check onload-kmm:ssh/));
});

test("a private key that isn't there is told by its path", async (t) => {
  const { target } = await start(t);
  await assert.rejects(
    runRemote({ ...target, privateKeyFile: "no/such/key" }, "true", ""),
    refusedWith(/^onload-kmm:ssh\.privateKeyFile: found "no\/such\/key": ENOENT; expected a private key/),
  );
});

test("a private key that can't be read is told without a word of it", async (t) => {
  const { host, target } = await start(t);
  const broken = targetAt(t, host.port, { hostKey: target.hostKey, privateKey: "hunter2hunter2" });
  const told = refusedWith(/^onload-kmm:ssh\.privateKeyFile: found ".*id": Cannot parse .*without passphrase$/);
  await assert.rejects(
    runRemote(broken, "true", ""),
    (error: unknown) => told(error) && !String(error).includes("hunter2"),
  );
});

test("a node that refuses connections may be rebooting", async (t) => {
  const { host, target } = await start(t);
  await host.stop();
  await assert.rejects(runRemote(target, "true", ""), Unreachable);
});

test("a node that cuts the connection may be rebooting", async (t) => {
  const server = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const target = targetAt(t, port, { hostKey: another().public, privateKey: another().private });
  await assert.rejects(runRemote(target, "true", ""), Unreachable);
});
