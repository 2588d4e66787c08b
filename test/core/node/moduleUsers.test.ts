import assert from "node:assert/strict";
import { test } from "node:test";
import { lastingUsers, userText, type ModuleUser, type NodePod } from "../../../core/node/moduleUsers.ts";

const pod = (name: string, metadata: Partial<NodePod["metadata"]> = {}): NodePod => ({
  metadata: { name, namespace: "trade", uid: `uid-${name}`, ...metadata },
});
const pods = [
  pod("app"),
  pod("agent", { ownerReferences: [{ kind: "DaemonSet" }] }),
  pod("static", { annotations: { "kubernetes.io/config.mirror": "hash", "kubernetes.io/config.hash": "hash" } }),
];
const user = (name: string, of: string | null, holds: string | null = "/dev/onload"): ModuleUser => ({
  name,
  holds,
  pod: of,
});

const rows: [what: string, user: ModuleUser, text: string, lasts: boolean][] = [
  ["a process of the node", user("ptp4l (7)", null), "ptp4l (7) by /dev/onload", true],
  ["one in a pod", user("nginx (8)", "uid-app"), "nginx (8) of pod trade/app by /dev/onload", false],
  ["one in a DaemonSet's pod", user("mon (9)", "uid-agent"), "mon (9) of pod trade/agent by /dev/onload", true],
  ["one in a static pod", user("etc (10)", "hash"), "etc (10) of pod trade/static by /dev/onload", true],
  [
    "one in a pod that is gone from the cluster",
    user("x (11)", "uid-old"),
    "x (11) of pod uid-old by /dev/onload",
    false,
  ],
  ["OpenOnload's own server", user("onload_cp_server (12)", null), "onload_cp_server (12) by /dev/onload", false],
  ["another module", user("module filter", null, "sfc"), "module filter by sfc", true],
  ["the kernel", user("the kernel", null, null), "the kernel", true],
];
for (const [what, found, text, lasts] of rows) {
  test(`a drain ${lasts ? "doesn't end" : "ends"} a module's user: ${what}`, () => {
    assert.equal(userText(found, pods), text);
    assert.deepEqual(lastingUsers([found], pods, true), lasts ? [found] : []);
  });
}

test("where nothing is drained, users in pods stay as well", () => {
  const found = [user("nginx (8)", "uid-app"), user("onload_cp_server (12)", null)];
  assert.deepEqual(lastingUsers(found, pods, false), [found[0]]);
});
