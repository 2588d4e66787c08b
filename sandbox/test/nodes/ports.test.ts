import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import { isFree } from "../../ports.ts";
import { machine, Machines } from "./support.ts";

const NODE = "worker-1";

/** Resolves once it is so; the test's own time limit ends the wait. */
async function until(met: () => Promise<boolean>): Promise<void> {
  while (!(await met())) await sleep(20);
}

test("a port that another program takes while the server is closed is asked for until it is free again", async (t) => {
  const machines = await Machines.start(machine(NODE));
  t.after(() => machines.stop());
  const { sshPort } = machines.access(NODE);
  machines.setSwitch("ssh.refuse", NODE);
  await until(() => isFree(sshPort));
  const other = createServer().listen(sshPort, "127.0.0.1");
  await once(other, "listening");
  machines.setSwitch("ssh.refuse", undefined);
  const told = `${NODE}: port ${sshPort} (taken by node, process ${process.pid}): no SSH until it is free`;
  await until(() => Promise.resolve(machines.log.includes(told)));
  other.close();
  await until(async () => (await machines.ssh(NODE, "true").catch(() => undefined))?.code === 0);
});
