import assert from "node:assert/strict";
import { createServer, type AddressInfo } from "node:net";
import { test } from "node:test";
import { runRemote, Unreachable } from "../../../steps/node/ssh.ts";
import { StepError } from "../../../steps/lib/step.ts";
import { anotherKey, startNode, targetAt } from "./sshNode.ts";

/** That nothing of ours reached the node, and that a person can fix it: waiting would not help. */
const refusedWith = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof StepError && !(error instanceof Unreachable), String(error));
  assert.match(error.message, message);
  return true;
};

test("a command gets its input and gives output, errors and exit code apart", async (t) => {
  const { target } = await startNode(t);
  assert.deepEqual(await runRemote(target, "cat; echo oops >&2; exit 7", "certificate=AAAA\n"), {
    code: 7,
    stdout: "certificate=AAAA\n",
    stderr: "oops\n",
  });
});

test("output that comes in many pieces comes whole", async (t) => {
  const { target } = await startNode(t);
  const { stdout } = await runRemote(target, "seq 1 20000", "");
  assert.equal(stdout.trimEnd().split("\n").length, 20_000);
});

test("a node with another host key is sent nothing", async (t) => {
  const { target } = await startNode(t);
  const hostKey = anotherKey().public.split(" ").slice(0, 2).join(" ");
  await assert.rejects(
    runRemote({ ...target, hostKey }, "touch /nowhere", "secret"),
    refusedWith(
      /its SSH host key is not the configured ssh-ed25519 one; nothing was sent to it\. It shows SHA256:\S{43}, configured is SHA256:\S{43}\. Find out why/,
    ),
  );
});

test("a node can't prove itself by another of its keys than the configured type's", async (t) => {
  const { target } = await startNode(t);
  const hostKey = anotherKey("rsa").public.split(" ").slice(0, 2).join(" ");
  await assert.rejects(
    runRemote({ ...target, hostKey }, "true", ""),
    refusedWith(/it has no SSH host key of the configured type ssh-rsa/),
  );
});

for (const algorithm of ["rsa-sha2-512", "rsa-sha2-256"] as const) {
  test(`an ssh-rsa host key on a node that signs by ${algorithm} only is taken`, async (t) => {
    const { target } = await startNode(t, {}, { key: anotherKey("rsa"), algorithms: [algorithm] });
    assert.match(target.hostKey, /^ssh-rsa /);
    assert.equal((await runRemote(target, "true", "")).code, 0);
  });
}

test("an ssh-rsa host key on a node that signs by SHA-1 only is refused, with the reason", async (t) => {
  const { target } = await startNode(t, {}, { key: anotherKey("rsa"), algorithms: ["ssh-rsa"] });
  await assert.rejects(
    runRemote(target, "true", ""),
    refusedWith(/of the configured type ssh-rsa, or signs with it by SHA-1 only; check the node's key/),
  );
});

test("a login that is refused is told, with what to check", async (t) => {
  const { host, target } = await startNode(t);
  const stranger = targetAt(t, host.port, { hostKey: target.hostKey, privateKey: anotherKey().private });
  await assert.rejects(runRemote(stranger, "true", ""), refusedWith(/core may not log in; check onload-kmm:ssh/));
});

test("a private key that isn't there is told by its path", async (t) => {
  const { target } = await startNode(t);
  await assert.rejects(
    runRemote({ ...target, privateKeyFile: "no/such/key" }, "true", ""),
    refusedWith(/^onload-kmm:ssh\.privateKeyFile: found "no\/such\/key": ENOENT; expected a private key/),
  );
});

test("a private key that can't be read is told without a word of it", async (t) => {
  const { host, target } = await startNode(t);
  const broken = targetAt(t, host.port, { hostKey: target.hostKey, privateKey: "hunter2hunter2" });
  const told = refusedWith(/^onload-kmm:ssh\.privateKeyFile: found ".*id": Cannot parse .*without passphrase$/);
  await assert.rejects(
    runRemote(broken, "true", ""),
    (error: unknown) => told(error) && !String(error).includes("hunter2"),
  );
});

test("a private key that can't be read keeps nobody waiting", async (t) => {
  const { host, target } = await startNode(t);
  const broken = targetAt(t, host.port, { hostKey: target.hostKey, privateKey: "none" });
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  await assert.rejects(runRemote(broken, "true", "", { connectSeconds: 5, commandSeconds: 30 }));
  assert.equal(timers(), before);
});

test("a node that refuses connections may be rebooting", async (t) => {
  const { host, target } = await startNode(t);
  await host.stop();
  await assert.rejects(runRemote(target, "true", ""), Unreachable);
});

test("a node that cuts the connection may be rebooting", async (t) => {
  const server = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const target = targetAt(t, port, { hostKey: anotherKey().public, privateKey: anotherKey().private });
  await assert.rejects(runRemote(target, "true", ""), Unreachable);
});
