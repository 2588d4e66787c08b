import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { test, type TestContext } from "node:test";
import { enrol } from "../../../steps/firmware/enrolment.ts";
import { firmwareAccess } from "../../../steps/firmware/firmwareAccess.ts";
import { connect } from "../../../steps/cluster/kubectl.ts";
import type { NodeMachine } from "../../../steps/node/nodeMachine.ts";
import { NodeOutage } from "../../../steps/node/nodeOutage.ts";
import { StepError } from "../../../steps/lib/step.ts";
import { rsaPair } from "../../core/configuration/pems.ts";
import { FakeCluster } from "../fakeCluster.ts";

/** A serial console with nobody behind it. */
async function silentConsole(t: TestContext) {
  const server = net.createServer().listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const opened = once(server, "connection") as Promise<[net.Socket]>;
  return { console: `tcp:127.0.0.1:${(server.address() as net.AddressInfo).port}`, opened };
}

test("a reboot that fails closes the console: left open, it would keep the step alive forever", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.put({ kind: "Node", metadata: { name: "w1" }, status: { nodeInfo: { bootID: "boot-1" } } });
  const settings = { stack: "prod", node: "w1", maxParallel: 1, drain: true, drainTimeoutMinutes: 5 };
  const outage = new NodeOutage(await connect(cluster.access), settings);
  const machine = {
    stateOrAway: () => Promise.resolve({ key: "not-enrolled", secureBoot: "enabled" }),
    requestEnrolment: () => Promise.resolve("pending"),
    reboot: () => Promise.reject(new StepError("OKMM-NODE-TOOL", "w1: reboot.sh failed on the node")),
  } as unknown as NodeMachine;
  const { console, opened } = await silentConsole(t);
  const enrolment = {
    mode: "console",
    timeoutMinutes: 1,
    passwordHash: "hash",
    password: "password1",
    console,
  } as const;
  const { certificate } = await rsaPair();
  const readNode = async () => (await outage.read()) ?? assert.fail("the node is gone");
  const [[line]] = await Promise.all([
    opened,
    assert.rejects(
      enrol({ name: "w1", enrolment, certificate, outage, machine, firmware: firmwareAccess, readNode }),
      /reboot\.sh failed/,
    ),
  ]);
  if (!line.resume().closed) await once(line, "close");
});
