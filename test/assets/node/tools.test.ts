/** The on-node tools with a fake mokutil, under every small shell that is installed here. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, before, beforeEach, describe, test } from "node:test";
import { FakeNode } from "./fakeNode.ts";
import { answerOf, runTool, shells } from "./shells.ts";

const CERTIFICATE = Buffer.from("a certificate").toString("base64");
const HASH = `$2a$10$${"x".repeat(53)}`;

test("at least one small shell is here to run them", () => assert.notEqual(shells.length, 0));

for (const shell of shells) {
  describe(`under ${shell.join(" ")}`, () => {
    let node: FakeNode;
    beforeEach(() => (node = new FakeNode()));
    const run = (tool: string, ...lines: string[]) => runTool(node, shell, tool, lines);
    const answer = (tool: string, ...lines: string[]) => answerOf(node, shell, tool, lines);
    const certificate = `certificate=${CERTIFICATE}`;
    const hash = `password-hash=${HASH}`;
    afterEach(() => node.remove());

    test("import: asks with the hash of exactly 60 bytes, and sees it pending", () => {
      const expected = { before: "not-enrolled", after: "pending", replaced: false };
      assert.deepEqual(answer("import", certificate, hash), expected);
      const calls = [
        "--test-key key.der",
        "--sb-state",
        "--list-new",
        "--import key.der --hash-file hash",
        "60",
        "--test-key key.der",
      ];
      assert.deepEqual(node.calls, calls);
    });

    test("import: leaves a pending request, or takes it back when asked", () => {
      node.set("pending");
      const kept = { before: "pending", after: "pending", replaced: false };
      assert.deepEqual(answer("import", certificate, hash), kept);
      assert.deepEqual(answer("import", certificate, hash, "replace=yes"), { ...kept, replaced: true });
      assert.equal(node.calls.filter((call) => call === "--revoke-import").length, 1);
    });

    for (const [key, state] of [
      ["enrolled", "enrolled"],
      ["in db", "in-db"],
      ["in-kernel", "in-kernel"],
    ] as const) {
      test(`import: a key that is ${state} is left alone`, () => {
        node.set(key);
        assert.deepEqual(answer("import", certificate, hash), { before: state, after: state, replaced: false });
        assert.equal(
          node.calls.some((call) => call.startsWith("--import")),
          false,
        );
      });
    }

    for (const [sb, key] of [
      ["SecureBoot disabled\n", "not-enrolled"],
      ["EFI variables are not supported on this system\n", "unsupported"],
    ] as const) {
      test(`import: asks for nothing where Secure Boot verifies nothing (${sb.trim()})`, () => {
        node.set(key, sb);
        assert.deepEqual(answer("import", certificate, hash), { before: key, after: key, replaced: false });
        assert.deepEqual(node.calls, ["--test-key key.der", "--sb-state"]);
      });
    }

    test("import: refuses beside requests for other keys, and says what mokutil said", () => {
      node.file("new", "[key 1]\nSHA1 Fingerprint: 00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33\n");
      const other = "import: requests for 1 other keys are pending; let them be enrolled or revoke them first\n";
      assert.deepEqual(run("import", certificate, hash), { code: 3, stdout: "", stderr: other });
      node.file("new", "");
      node.file("broken", "");
      const broken = "import: mokutil --import: Failed to enroll new keys\n";
      assert.deepEqual(run("import", certificate, hash), { code: 1, stdout: "", stderr: broken });
    });

    for (const [form, list] of [
      ["short", "3a1b5c7d00 Somebody's key\n"],
      ["of hashes", "[SHA-256]\n  0123456789abcdef\n"],
      ["with another fingerprint", `[key 1]\nSHA256 Fingerprint: ${"00:".repeat(31)}00\n`],
      [
        "of two kinds",
        "[key 1]\nSHA1 Fingerprint: %\n[SHA-256]\n  0123456789abcdef\n".replace("%", "00:".repeat(19) + "00"),
      ],
    ] as const) {
      test(`import: a list of requests that isn't understood is not an empty one: ${form}`, () => {
        node.file("new", list);
        const { code, stderr } = run("import", certificate, hash);
        assert.equal(code, 1);
        assert.match(stderr, /^import: mokutil --list-new gave a list that is not known: /);
        assert.ok(!node.calls.some((call) => call.startsWith("--import")), "nothing was asked for");
      });
    }

    test("import: an empty list in words is an empty one", () => {
      node.file("new", "MokNew is empty\n");
      assert.equal(run("import", certificate, hash).code, 0);
    });

    test("wrong input is named, but never quoted", () => {
      const { code, stderr } = run("import", certificate, "password=Onload1pw");
      assert.equal(code, 2);
      assert.equal(
        stderr,
        "import: unknown input; expected lines name=value with the names certificate password-hash replace\n",
      );
      assert.equal(run("import", hash).stderr, "import: certificate is missing\n");
      assert.equal(run("import", certificate).code, 2);
      assert.equal(run("import", "certificate=%%%", hash).code, 2);
      assert.equal(run("import", certificate, "password-hash=Onload1pw").stderr.includes("Onload1pw"), false);
    });

    test("an answer of mokutil that nobody knows is an error", () => {
      node.set("strange");
      const { code, stderr } = run("import", certificate, hash);
      assert.deepEqual(
        [code, stderr],
        [1, "import: mokutil --test-key gave an answer that is not known: something new\n"],
      );
    });

    test("revoke: takes an import and a deletion back; nothing pending is fine", () => {
      assert.deepEqual(answer("revoke", certificate), {
        before: "not-enrolled",
        after: "not-enrolled",
        deletionRevoked: false,
      });
      node.set("pending");
      assert.deepEqual(answer("revoke", certificate), {
        before: "pending",
        after: "not-enrolled",
        deletionRevoked: false,
      });
      node.set("enrolled");
      node.file("deleting", "");
      assert.deepEqual(answer("revoke", certificate), { before: "enrolled", after: "enrolled", deletionRevoked: true });
    });

    test("delete: asks for an enrolled key, takes a pending one out, and needs nothing otherwise", () => {
      node.set("enrolled");
      assert.deepEqual(answer("delete", certificate, hash), {
        before: "enrolled",
        after: "enrolled",
        deletionPending: true,
      });
      assert.ok(node.calls.includes("60"));
      rmSync(join(node.directory, "deleting"));
      node.set("pending");
      assert.deepEqual(answer("delete", certificate, hash), {
        before: "pending",
        after: "not-enrolled",
        deletionPending: false,
      });
      const gone = { before: "not-enrolled", after: "not-enrolled", deletionPending: false };
      assert.deepEqual(answer("delete", certificate, hash), gone);
    });

    test("reboot: one command a call of mokutil, then a detached reboot", () => {
      assert.deepEqual(answer("reboot", "timeout=-1", "boot-id=boot-1", "delay=5"), {
        bootId: "boot-1",
        bootNext: null,
      });
      const unit =
        "--quiet --unit=onload-kmm-reboot --on-active=5s --timer-property=AccuracySec=100ms systemctl reboot";
      assert.deepEqual(node.calls, ["--timeout -1", unit]);
      assert.equal(run("reboot", "timeout=0").code, 2);
      assert.equal(run("reboot", "boot-id=boot-0").code, 3);
      assert.equal(node.calls.length, 2);
    });

    const listed = (current: string) =>
      `BootCurrent: ${current}\nBootOrder: 0003,0001\nBoot0001* RHEL\tHD(1)/File(shimx64.efi)\nBoot0003* PXE\tMAC(5254,1)\n`;
    const planned = /systemctl reboot$/;

    test("reboot into MokManager: the next boot takes the entry that this one came from", () => {
      node.file("boot-entries", listed("0001"));
      assert.deepEqual(answer("reboot", "timeout=-1"), { bootId: "boot-1", bootNext: "0001" });
      assert.deepEqual(node.calls.slice(0, 2), ["--timeout -1", "efibootmgr --bootnext 0001"]);
      assert.match(node.calls[2] ?? "", planned);
    });

    test("reboot: no boot entry is chosen where MokManager has nothing to ask, nor one that is gone", () => {
      node.file("boot-entries", listed("0001"));
      assert.deepEqual(answer("reboot"), { bootId: "boot-1", bootNext: null });
      node.file("boot-entries", listed("0009"));
      assert.deepEqual(answer("reboot", "timeout=-1"), { bootId: "boot-1", bootNext: null });
      assert.equal(node.calls.filter((call) => call.startsWith("efibootmgr")).length, 0);
    });

    test("reboot into MokManager: none when the entry can't be chosen and another comes first", () => {
      node.file("boot-entries", listed("0001"));
      node.file("broken", "");
      const { code, stderr } = run("reboot", "timeout=-1");
      assert.equal(code, 1);
      assert.match(stderr, /^reboot: efibootmgr --bootnext 0001: .*No space left.*boot entry 0003 comes first/);
      assert.equal(node.calls.filter((call) => planned.test(call)).length, 0);
      node.file("boot-entries", listed("0003"));
      assert.deepEqual(answer("reboot", "timeout=-1"), { bootId: "boot-1", bootNext: null });
    });

    test("driver: loads the kernel's own sfc where none is live, and leaves it alone where it is", () => {
      assert.deepEqual(answer("driver"), { before: "none", after: "in-tree" });
      assert.deepEqual(answer("driver"), { before: "in-tree", after: "in-tree" });
      assert.deepEqual(node.calls, ["modprobe sfc"]);
    });

    test("driver: says what modprobe said, and refuses while OpenOnload's is live", () => {
      node.file("module-broken", "");
      const broken = "driver: modprobe sfc: modprobe: ERROR: could not insert 'sfc': Cannot allocate memory\n";
      assert.deepEqual(run("driver"), { code: 1, stdout: "", stderr: broken });
      for (const [name, text] of [
        ["initstate", "live\n"],
        ["taint", "OE\n"],
      ] as const) {
        node.file(`root/sys/module/sfc/${name}`, text);
      }
      const refused = "driver: OpenOnload's sfc is still live\n";
      assert.deepEqual(run("driver"), { code: 3, stdout: "", stderr: refused });
      assert.deepEqual(node.calls, ["modprobe sfc"]);
      assert.equal(run("driver", certificate).code, 2);
    });

    test("driver: a modprobe that succeeds and does nothing is an error", () => {
      node.command("modprobe", "#!/bin/sh\n");
      assert.deepEqual(run("driver"), {
        code: 1,
        stdout: "",
        stderr: "driver: after modprobe sfc its driver is none: \n",
      });
    });
  });
}

describe("all of them together", () => {
  let texts: string[];
  before(() => {
    texts = readdirSync("assets/node").map((name) => readFileSync(join("assets/node", name), "utf8"));
  });

  test("one text of lib.sh and a tool is a script, as it goes over SSH", () => {
    const node = new FakeNode();
    const script = ["lib", "reboot"].map((name) => readFileSync(`assets/node/${name}.sh`, "utf8")).join("\n");
    const env = {
      PATH: `${join(node.directory, "bin")}:${process.env["PATH"] ?? ""}`,
      ONLOAD_KMM_ROOT: join(node.directory, "root"),
    };
    const ran = spawnSync("sh", ["-c", script], { input: "delay=0\n", encoding: "utf8", env });
    assert.equal(ran.stdout, '{"bootId":"boot-1","bootNext":null}\n');
    node.remove();
  });

  test("no tool looks at the exit code of --test-key", () => {
    const uses = texts.flatMap((text) => text.split("\n")).filter((line) => /mokutil --test-key "/.test(line));
    assert.deepEqual(uses, ['  answer=$(as_root mokutil --test-key "$dir/key.der" 2>&1) || :']);
  });
});
