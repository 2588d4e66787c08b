/** Whoever uses the modules is named before the node is touched, or once it is drained, while it still has its driver. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ModuleUser } from "../../../core/node/moduleUsers.ts";
import { requireUnused, untilUnused } from "../../../steps/node/moduleUse.ts";
import { Unreachable } from "../../../steps/node/ssh.ts";
import { StepError } from "../../../steps/lib/step.ts";
import "../inVirtualTime.ts";

const daemon: ModuleUser = { name: "sfupdate (7)", holds: "/dev/mtd1", pod: null };
const app: ModuleUser = { name: "nginx (8)", holds: "/dev/onload", pod: "uid" };

/** A node, each answer of which names the next users; the last one stays. */
function node(...answers: (readonly ModuleUser[] | Error)[]) {
  let at = 0;
  let podsRead = 0;
  const users = () => {
    const answer = answers[Math.min(at++, answers.length - 1)] ?? [];
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve([...answer]);
  };
  const readPods = () => {
    podsRead += 1;
    return Promise.resolve([{ metadata: { name: "web", namespace: "shop", uid: "uid" } }]);
  };
  return { machine: { users }, outage: (drains = true) => ({ drains, readPods }), podsRead: () => podsRead };
}

test("somebody whom no drain ends is named before the cordon", async () => {
  const { machine, outage } = node([daemon, app]);
  await assert.rejects(
    requireUnused("w1", outage(), machine),
    /^Error: w1: the modules are in use by sfupdate \(7\) by \/dev\/mtd1, which a drain doesn't stop: .*The node was not touched$/,
  );
});

test("an application in a pod is no reason; its pods are read once", async () => {
  const { machine, outage, podsRead } = node([app]);
  await requireUnused("w1", outage(), machine);
  assert.equal(podsRead(), 1);
});

test("where nothing is drained it is", async () => {
  const { machine, outage } = node([app]);
  await assert.rejects(
    requireUnused("w1", outage(false), machine),
    /in use by nginx \(8\) of pod shop\/web by \/dev\/onload, which nothing stops while rollout\.drain is off/,
  );
});

test("nobody: no pod is read", async () => {
  const { machine, outage, podsRead } = node([]);
  await requireUnused("w1", outage(), machine);
  await untilUnused("w1", outage(), machine);
  assert.equal(podsRead(), 0);
});

test("a node that can't say who uses them isn't touched", async () => {
  const { machine, outage } = node(new StepError("OKMM-NODE-TOOL", "users.sh failed"));
  await assert.rejects(requireUnused("w1", outage(), machine), /users\.sh failed/);
});

test("after the drain, what has ended may take a while to give the modules up", async () => {
  const { machine, outage } = node([app], [app], []);
  await untilUnused("w1", outage(), machine);
});

test("a user that keeps the modules is named, with the driver still there", async () => {
  const { machine, outage } = node([daemon]);
  await assert.rejects(
    untilUnused("w1", outage(), machine),
    /timed out after 60 s waiting for w1's modules to be unused: in use by sfupdate \(7\) by \/dev\/mtd1; the node stays cordoned, with the driver/,
  );
});

test("a connection that is lost by then keeps nothing up", async () => {
  const { machine, outage } = node(new Unreachable("gone"));
  await untilUnused("w1", outage(), machine);
});
