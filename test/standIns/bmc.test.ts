/** The BMCs of the sandbox's nodes, asked by the program's own client. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { X509Certificate } from "node:crypto";
import { readBmc } from "@onload-kmm/sandbox/redfish/identity";
import { SignatureDatabase } from "../../steps/firmware/redfish/signatureDatabase.ts";
import { certificate, machine, Machines } from "@onload-kmm/sandbox/test/nodes/support";

const [NODE, OTHER] = ["worker-1", "worker-2"];
const key = certificate("Onload");
const pem = new X509Certificate(Buffer.from(key.der, "base64")).toString();

describe("a node's BMC", { concurrency: false }, () => {
  let machines: Machines;
  before(async () => {
    machines = await Machines.start(machine(NODE), machine(OTHER));
  });
  after(() => machines.stop());

  /** The program's client, as a step makes it. */
  async function asked<T>(act: (database: SignatureDatabase) => Promise<T>, patience = 120): Promise<T> {
    const { user, password } = readBmc(machines.stateDir) ?? assert.fail("no bmc.json");
    const access = { ...machines.access(NODE).bmc, user, password };
    const { systemUuid } = machines.get(NODE);
    const database = new SignatureDatabase({ node: NODE, access, certificate: pem, systemUuid, patience });
    return act(database).finally(() => database.close());
  }

  async function keyState(node = NODE): Promise<unknown> {
    const { code, stdout, stderr } = await machines.tool(node, "state", { certificate: key.der });
    assert.deepEqual([code, stderr], [0, ""]);
    return (JSON.parse(stdout) as { key: unknown }).key;
  }

  async function reboot(): Promise<void> {
    const ready = machines.reports(`${NODE} ready`);
    assert.equal((await machines.tool(NODE, "reboot", { delay: "1" })).code, 0);
    await ready;
  }

  test("has the firmware take a certificate at the next boot, and MokManager stays away", async () => {
    assert.equal(await asked((database) => database.add()), "asked");
    assert.equal(await keyState(), "not-enrolled");
    assert.equal(await asked((database) => database.lists()), false);
    await reboot();
    assert.equal(await keyState(), "in-db");
    assert.equal(await asked((database) => database.lists()), true);
    assert.equal(await keyState(OTHER), "not-enrolled");
    assert.doesNotMatch(readFileSync(join(machines.store.directory, NODE, "console.log"), "utf8"), /MOK/i);
  });

  test("has the firmware take it out again at the next boot", async () => {
    machines.get(NODE).firmware.db.push(certificate("Another"));
    assert.equal(await asked((database) => database.remove()), true);
    assert.equal(await keyState(), "in-db");
    await reboot();
    assert.equal(await keyState(), "not-enrolled");
    assert.equal(machines.get(NODE).firmware.db.length, 1);
    assert.equal(await asked((database) => database.remove()), false);
  });

  test("is asked twice, and the certificate is in db once", async () => {
    for (let run = 0; run < 2; run += 1) assert.equal(await asked((database) => database.add()), "asked");
    await reboot();
    assert.equal(machines.get(NODE).firmware.db.filter(({ der }) => der === key.der).length, 1);
  });

  test("says that it is busy while the switch is on, and goes on after", async () => {
    machines.setSwitch("bmc.busy", NODE);
    await assert.rejects(
      asked((database) => database.lists(), 1),
      /timed out after 1 s waiting for .*: HTTP 503 for \S+: The service is temporarily unavailable/,
    );
    machines.setSwitch("bmc.busy", undefined);
    assert.equal(await asked((database) => database.lists()), true);
  });

  test("is not listened to by the firmware while that switch is on", async () => {
    machines.setSwitch("node.db-unchanged", NODE);
    assert.equal(await asked((database) => database.remove()), true);
    await reboot();
    machines.setSwitch("node.db-unchanged", undefined);
    assert.equal(await keyState(), "in-db");
    await reboot();
    assert.equal(await keyState(), "in-db", "the request was forgotten");
  });
});
