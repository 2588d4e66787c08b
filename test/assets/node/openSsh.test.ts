/** What goes to nodes, over OpenSSH's own server as a real node has it: the steps' SSH and the on-node tools. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ed25519Key } from "@onload-kmm/sandbox/test/sshKey";
import { NodeMachine } from "../../../steps/node/nodeMachine.ts";
import { runRemote, Unreachable } from "../../../steps/node/ssh.ts";
import { FakeNode } from "./fakeNode.ts";
import { OpenSshServer } from "./openSsh.ts";

const body = Buffer.from("a certificate").toString("base64");
const certificate = `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
const hash = `$2a$10$${"x".repeat(53)}`;

describe("over OpenSSH", { concurrency: false }, () => {
  let node: FakeNode;
  let server: OpenSshServer;
  let machine: NodeMachine;

  before(async () => {
    node = new FakeNode();
    node.file("root/proc/sys/kernel/osrelease", "5.14.0-1.el9.x86_64\n");
    node.file("root/etc/machine-id", "m\n");
    node.file("root/sys/class/dmi/id/product_uuid", "s\n");
    server = await OpenSshServer.start({
      PATH: `${join(node.directory, "bin")}:${process.env["PATH"] ?? ""}`,
      ONLOAD_KMM_ROOT: join(node.directory, "root"),
    });
    machine = new NodeMachine("worker-1", server.target, certificate);
  });
  after(async () => {
    await server.stop();
    node.remove();
  });

  test("it is OpenSSH that answers", () => assert.match(server.banner, /^SSH-2\.0-OpenSSH_/));

  test("a command gets its input and gives output, errors and exit code apart", async () => {
    const answer = await runRemote(server.target, "cat; seq 1 20000 | tail -1; echo oops >&2; exit 7", "secret\n");
    assert.deepEqual(answer, { code: 7, stdout: "secret\n20000\n", stderr: "oops\n" });
  });

  test("a server with another host key than the configured one is sent nothing", async () => {
    const stranger = ed25519Key().public.trim();
    await assert.rejects(
      runRemote({ ...server.target, hostKey: stranger }, "touch seen", ""),
      /its SSH host key is not the configured ssh-ed25519 one; nothing was sent to it/,
    );
  });

  test("a connection that breaks while a command runs is no answer", async () => {
    // The shell's parent is the connection's own sshd.
    await assert.rejects(runRemote(server.target, "kill -KILL $PPID; sleep 60", ""), Unreachable);
  });

  test("state: the whole machine in one answer", async () => {
    const { secureBoot, key, kernel, bootId } = await machine.state();
    assert.deepEqual([secureBoot, key, kernel, bootId], ["enabled", "not-enrolled", "5.14.0-1.el9.x86_64", "boot-1"]);
  });

  test("import, revoke and delete: certificate and hash arrive byte for byte, and nothing of them stays", async () => {
    assert.equal(await machine.requestEnrolment(hash), "pending");
    await machine.revokeRequests();
    assert.equal((await machine.state()).key, "not-enrolled");
    node.set("enrolled");
    assert.equal(await machine.requestDeletion(hash), true);
    assert.equal(node.calls.filter((call) => call === "60").length, 2, "mokutil saw the hash's 60 bytes, twice");
    assert.ok(!node.calls.includes("not the certificate"));
    assert.deepEqual(node.memory, [".keep"]);
  });

  test("reboot: planned and detached, so that the connection ends cleanly", async () => {
    await machine.reboot("boot-1", -1);
    assert.match(node.calls.at(-1) ?? "", /^--quiet --unit=onload-kmm-reboot --on-active=3s .* systemctl reboot$/);
    await assert.rejects(machine.reboot("boot-0"), /the node has been rebooted already: its boot ID is boot-1/);
  });
});
