/** Nodes that SSH can't reach, that aren't who they should be, or that are lost in the middle of a command. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { readAccess } from "@onload-kmm/sandbox/nodes/access";
import { Enrolling } from "./enrolling.ts";

describe("nodes that SSH can't reach", { concurrency: false }, () => {
  let nodes: Enrolling;

  before(async () => {
    nodes = await Enrolling.start({ nodes: 2, mode: "attended" });
  });
  after(() => nodes.end());

  test("connection cut in the middle of the import: `up` ends before the outage, the second one enrols", async () => {
    await nodes.scene.set({ "ssh.cut": "worker-1 mokutil --import" });
    await nodes.fails(
      /worker-1-import/,
      /steps\/importKey\.ts":\s+worker-\d: 127\.0\.0\.1:\d+: no SSH connection \(connection closed/,
    );
    await nodes.scene.assertNodesUntouched();
    assert.equal((await nodes.machine("worker-1")).firmware.mokNew?.length, 1, "the command itself went on");

    await nodes.scene.set({ "ssh.cut": null });
    await nodes.recovers("worker-1", "worker-2");
  });

  test("SSH refused: preview warns of it, the nodes before it are done, `hold` goes on without it, the next `up` ends", async () => {
    await nodes.renew("worker-1", "worker-2");
    await nodes.scene.set({ "ssh.refuse": "worker-2" });
    const warned = /worker-2: 127\.0\.0\.1:\d+: no SSH connection .*; set its `hold: true` to continue without it/;
    const preview = await nodes.scene.stack.preview();
    assert.equal(preview.exitCode, 0, preview.output);
    assert.match(preview.output, warned);

    const person = nodes.attend(["worker-1", "worker-2"]);
    const why = /steps\/importKey\.ts":\s+worker-\d: 127\.0\.0\.1:\d+: no SSH connection \(connect ECONNREFUSED/;
    const output = await nodes.fails(warned, /worker-2-import/, why);
    assert.match(output, /worker-1: proven/);
    await nodes.assertCordoned();

    await hold("worker-2", true);
    await nodes.scene.again("up");
    await person.leave();
    await hold("worker-2", false);
    await nodes.scene.set({ "ssh.refuse": null });
    await nodes.recovers("worker-2");
  });

  test("a wrong host key is an error of preview, and nothing is sent to the node", async () => {
    await nodes.renew("worker-1");
    const right = hostKeyOf("worker-1");
    await setHostKey("worker-1", hostKeyOf("worker-2"));
    const why = /worker-1: .*its SSH host key is not the configured ssh-ed25519 one; nothing was sent to it/;
    const preview = await nodes.scene.stack.preview();
    assert.notEqual(preview.exitCode, 0);
    assert.match(preview.output, why);
    await nodes.fails(why, /1 problem, nothing was changed/);
    await nodes.assertCordoned();
    assert.equal((await nodes.machine("worker-1")).firmware.mokNew, null);

    await setHostKey("worker-1", right);
    await nodes.recovers("worker-1");
  });

  test("connection cut while the reboot is asked for: the reboot was planned, and the same `up` sees it through", async () => {
    await nodes.renew("worker-1");
    const before = await nodes.boots("worker-1");
    await nodes.scene.set({ "ssh.cut": "worker-1 systemd-run" });
    await nodes.recovers("worker-1");
    assert.equal((await nodes.boots("worker-1")) - before, 1);
    await nodes.scene.set({ "ssh.cut": null });
  });

  const hostKeyOf = (node: string): string =>
    readAccess(nodes.scene.stack.sandbox.dir).find(({ name }) => name === node)?.hostKey ?? assert.fail(node);

  const setHostKey = (node: string, hostKey: string): Promise<void> => nodes.configureNode(node, { hostKey });
  const hold = (node: string, held: boolean): Promise<void> => nodes.configureNode(node, { hold: held });
});
