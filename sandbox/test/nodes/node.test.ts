import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { execa } from "execa";
import ssh2 from "ssh2";
import { ed25519Key } from "../sshKey.ts";
import { controlNode } from "../../nodes/control.ts";
import type { Certificate } from "../../nodes/machine.ts";
import { attend } from "../../nodes/person.ts";
import { certificate, machine, Machines, PASSWORD, PASSWORD_HASH } from "./support.ts";

const NODE = "worker-1";
let machines: Machines;
let key: Certificate;
before(async () => {
  key = certificate("Onload");
  machines = await Machines.start(machine(NODE));
});
const over = new AbortController();
after(() => {
  over.abort();
  return machines.stop();
});
beforeEach(() => {
  const { firmware } = machines.get(NODE);
  Object.assign(firmware, {
    mokList: [],
    mokNew: null,
    mokAuth: null,
    mokDel: null,
    mokDelAuth: null,
    mokTimeout: null,
  });
});

const state = async (): Promise<Record<string, unknown>> => {
  const { code, stdout, stderr } = await machines.tool(NODE, "state", { certificate: key.der });
  assert.deepEqual([code, stderr], [0, ""]);
  return JSON.parse(stdout) as Record<string, unknown>;
};
const importKey = (hash = PASSWORD_HASH) =>
  machines.tool(NODE, "import", { certificate: key.der, "password-hash": hash, replace: "yes" });
const reboot = (input: Record<string, string> = {}) => machines.tool(NODE, "reboot", { delay: "1", ...input });

/** Someone at the console until `done` resolves; answers what was said there. */
async function withPerson(password: string, done: () => Promise<unknown>): Promise<string[]> {
  const leaving = new AbortController();
  const lines: string[] = [];
  const port = machines.access(NODE).consolePort;
  const tell = (line: string): unknown => lines.push(line);
  // A test that takes too long leaves the person there.
  const signal = AbortSignal.any([leaving.signal, over.signal]);
  const person = attend({ port, password: () => password, tell, signal });
  await done();
  leaving.abort();
  await person;
  return lines;
}

describe("a node's shell", () => {
  test("runs a real sh over the machine's state, as core, with sudo", async () => {
    const { code, stdout } = await machines.ssh(NODE, "id -un; sudo -n id -un; uname -r; cat; exit 7", "from stdin\n");
    assert.deepEqual([code, stdout], [7, `core\nroot\n${machines.get(NODE).kernel}\nfrom stdin\n`]);
  });

  test("knows no command but its own", async () => {
    const { code, stderr } = await machines.ssh(NODE, "kubectl get nodes");
    assert.equal(code, 127);
    assert.match(stderr, /kubectl: not found/);
  });

  test("OpenSSH's client gets in with the host key from nodes.json, and with no other", async () => {
    const { sshPort, hostKey } = machines.access(NODE);
    const stranger = ed25519Key().public;
    const login = (known: string) => {
      const file = join(machines.stateDir, "known_hosts");
      writeFileSync(file, `[127.0.0.1]:${sshPort} ${known}\n`);
      const options = ["-F", "none", "-o", `UserKnownHostsFile=${file}`, "-o", "BatchMode=yes"];
      const target = ["-i", join(machines.stateDir, "ssh/id_ed25519"), "-p", String(sshPort), "core@127.0.0.1"];
      return execa("ssh", [...options, ...target, "uname -n"], { reject: false, input: "" });
    };
    assert.equal((await login(hostKey)).stdout, NODE);
    const { exitCode, stderr } = await login(stranger);
    assert.equal(exitCode, 255);
    assert.match(stderr, /Host key verification failed/);
  });

  test("refuses another user and another key", async () => {
    const stranger = ed25519Key().private;
    const own = readFileSync(join(machines.stateDir, "ssh/id_ed25519"));
    for (const [username, privateKey] of [
      ["root", own],
      ["core", stranger],
    ] as const) {
      const client = new ssh2.Client();
      const failed = new Promise<Error>((resolve) => client.once("error", resolve));
      client.connect({ host: "127.0.0.1", port: machines.access(NODE).sshPort, username, privateKey });
      assert.match((await failed).message, /authentication methods failed/);
    }
  });
});

describe("from an untrusted key to an enrolled one", () => {
  test("import, reboot, a person at the console; nothing of it stays in the node's files", async () => {
    assert.equal((await state())["key"], "not-enrolled");
    assert.deepEqual(JSON.parse((await importKey()).stdout), {
      before: "not-enrolled",
      after: "pending",
      replaced: false,
    });
    const bootId = machines.get(NODE).bootId;
    const said = await withPerson(PASSWORD, async () => {
      const ready = machines.reports(`${NODE} ready`);
      assert.deepEqual(JSON.parse((await reboot({ timeout: "-1", "boot-id": bootId })).stdout), {
        bootId,
        bootNext: "0001",
      });
      await ready;
    });
    assert.deepEqual(said, [
      "chooses the request",
      "sees the key; Continue",
      "sure? Yes",
      "types the password",
      "it is done; reboots",
    ]);
    const now = await state();
    assert.deepEqual([now["key"], now["secureBoot"]], ["enrolled", "enabled"]);
    assert.notEqual(now["bootId"], bootId);
    const files = readdirSync(join(machines.stateDir, "nodes", NODE), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"));
    assert.equal(
      files.some((text) => text.includes(PASSWORD) || text.includes(PASSWORD_HASH)),
      false,
    );
  });

  test("a deletion goes the same way back", async () => {
    machines.get(NODE).firmware.mokList = [key];
    const asked = await machines.tool(NODE, "delete", { certificate: key.der, "password-hash": PASSWORD_HASH });
    assert.deepEqual(JSON.parse(asked.stdout), { before: "enrolled", after: "enrolled", deletionPending: true });
    assert.equal((await state())["deletionPending"], true);
    await withPerson(PASSWORD, async () => {
      const ready = machines.reports(`${NODE} ready`);
      await reboot({ timeout: "-1" });
      await ready;
    });
    assert.equal((await state())["key"], "not-enrolled");
  });

  test("with nobody there the countdown ends and the request is used up", async () => {
    await importKey();
    const ready = machines.reports(`${NODE} ready`);
    await reboot({ timeout: "1" });
    await ready;
    assert.equal((await state())["key"], "not-enrolled");
  });

  test("a wrong password is refused three times; the node boots on without the key", async () => {
    await importKey();
    const said = await withPerson("wrong", async () => {
      const ready = machines.reports(`${NODE} ready`);
      await reboot({ timeout: "-1" });
      await ready;
    });
    assert.equal(said.filter((line) => line === "types the password").length, 3);
    assert.equal((await state())["key"], "not-enrolled");
  });

  test("somebody who comes late finds MokManager waiting", async () => {
    await importKey();
    const waits = machines.shows(NODE, /hash from disk/);
    await reboot({ timeout: "-1" });
    await waits;
    const said = await withPerson(PASSWORD, () => machines.reports(`${NODE} ready`));
    assert.equal(said[0], "chooses the request");
    assert.equal((await state())["key"], "enrolled");
  });

  test("a power reset with MokManager open: Reset MOK, and the node boots on", async () => {
    await importKey();
    const down = machines.shows(NODE, /Enroll MOK/);
    await reboot({ timeout: "-1" });
    await down;
    const said = await withPerson(PASSWORD, async () => {
      const ready = machines.reports(`${NODE} ready`);
      await controlNode(machines.stateDir, NODE, "reset");
      await ready;
    });
    assert.ok(said.includes("Reset MOK is not what was asked for; boots on"), said.join("; "));
    assert.equal((await state())["key"], "not-enrolled");
  });

  test("a certificate that a BMC adds to db is trusted from the next boot on", async () => {
    await controlNode(machines.stateDir, NODE, "addToDb", { certificate: key.der });
    assert.equal((await state())["key"], "not-enrolled");
    const ready = machines.reports(`${NODE} ready`);
    await reboot();
    await ready;
    assert.equal((await state())["key"], "in-db");
    machines.get(NODE).firmware.db = [];
  });
});

describe("reboots", () => {
  test("the boot ID changes, the cluster hears of it, and memory is lost", async () => {
    const before = machines.get(NODE).bootId;
    await machines.ssh(NODE, 'echo kept >kept; echo lost >"$ONLOAD_KMM_ROOT/dev/shm/lost"');
    machines.reported.length = 0;
    const ready = machines.reports(`${NODE} ready`);
    await reboot();
    await ready;
    assert.deepEqual(machines.reported, [`${NODE} starting`, `${NODE} ready`]);
    assert.notEqual(machines.get(NODE).bootId, before);
    const { stdout } = await machines.ssh(
      NODE,
      'cat kept "$ONLOAD_KMM_ROOT/proc/sys/kernel/random/boot_id"; ls "$ONLOAD_KMM_ROOT/dev/shm"',
    );
    assert.equal(stdout, `kept\n${machines.get(NODE).bootId}\n`);
  });

  test("a boot ID that isn't the present one stops the reboot", async () => {
    const { code, stderr } = await reboot({ "boot-id": "00000000-0000-0000-0000-000000000000" });
    assert.equal(code, 3);
    assert.match(stderr, /^reboot: the node has been rebooted already: its boot ID is /);
  });

  test("a second reboot can't be planned while one waits", async () => {
    const ready = machines.reports(`${NODE} ready`);
    assert.equal((await reboot({ delay: "600" })).code, 0);
    const second = await reboot();
    assert.equal(second.code, 1);
    assert.match(second.stderr, /already loaded/);
    await controlNode(machines.stateDir, NODE, "reset");
    await ready;
  });

  test("node.boot-id-unchanged: everything as after a reboot, but the boot ID", async () => {
    const before = machines.get(NODE).bootId;
    machines.setSwitch("node.boot-id-unchanged", NODE);
    const ready = machines.reports(`${NODE} ready`);
    await reboot();
    await ready;
    machines.setSwitch("node.boot-id-unchanged", undefined);
    assert.equal(machines.get(NODE).bootId, before);
  });

  test("node.never-returns: the cluster calls it Unknown, until the switch is off", async () => {
    machines.setSwitch("node.never-returns", NODE);
    const unknown = machines.reports(`${NODE} unknown`);
    await reboot();
    await unknown;
    await assert.rejects(machines.ssh(NODE, "true"), /ECONNREFUSED/);
    const ready = machines.reports(`${NODE} ready`);
    machines.setSwitch("node.never-returns", undefined);
    await ready;
    assert.equal((await machines.ssh(NODE, "true")).code, 0);
  });

  test("a process that was cut while a machine was down goes on with it", async () => {
    const target = machine("worker-9");
    target.power = "off";
    const before = target.bootId;
    const others = await Machines.start(target);
    await others.reports("worker-9 ready");
    assert.notEqual(others.get("worker-9").bootId, before);
    await others.stop();
  });
});

describe("faults of SSH", () => {
  test("ssh.refuse closes the port", async () => {
    machines.setSwitch("ssh.refuse", NODE);
    await assert.rejects(machines.ssh(NODE, "true"), /ECONNREFUSED/);
    machines.setSwitch("ssh.refuse", undefined);
    assert.equal((await machines.ssh(NODE, "true")).code, 0);
  });

  test("ssh.cut cuts the connection in the middle of an import; a second one finds it pending", async () => {
    machines.setSwitch("ssh.cut", `${NODE} mokutil --import`);
    assert.equal((await importKey()).code, null);
    machines.setSwitch("ssh.cut", undefined);
    const again = JSON.parse((await importKey()).stdout) as Record<string, unknown>;
    assert.deepEqual(again, { before: "pending", after: "pending", replaced: true });
    assert.equal((await machines.ssh(NODE, 'ls "$ONLOAD_KMM_ROOT/dev/shm"')).stdout, "");
  });
});

describe("what a hand does to a machine", () => {
  const done = async (act: () => Promise<unknown>): Promise<void> => {
    const ready = machines.reports(`${NODE} ready`);
    await act();
    await ready;
  };

  test("a new mainboard has another UUID and knows no key; a new installation has another machine ID", async () => {
    machines.get(NODE).firmware.mokList = [key];
    const { systemUuid, machineId } = machines.get(NODE);
    await done(() => controlNode(machines.stateDir, NODE, "reinstall"));
    assert.notEqual(machines.get(NODE).machineId, machineId);
    assert.deepEqual(machines.get(NODE).firmware.mokList, [key]);
    await done(() => controlNode(machines.stateDir, NODE, "replaceMainboard"));
    assert.notEqual(machines.get(NODE).systemUuid, systemUuid);
    assert.deepEqual(machines.get(NODE).firmware.mokList, []);
    machines.get(NODE).firmware.mokList = [key];
    await controlNode(machines.stateDir, NODE, "forgetKeys");
    assert.deepEqual(machines.get(NODE).firmware.mokList, []);
  });

  test("an upgrade shows at the next boot", async () => {
    const kernel = "5.14.0-570.60.1.el9_6.x86_64";
    await controlNode(machines.stateDir, NODE, "upgrade", { kernel });
    assert.notEqual((await state())["kernel"], kernel);
    await done(() => controlNode(machines.stateDir, NODE, "reset"));
    assert.equal((await state())["kernel"], kernel);
  });

  test("unknown actions are refused by name", async () => {
    const unknown = "paint" as "reset";
    await assert.rejects(controlNode(machines.stateDir, NODE, unknown), /worker-1: no action paint; known are state,/);
  });
});
