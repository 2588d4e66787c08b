import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { before, describe, test } from "node:test";
import type { Certificate, Machine } from "../../nodes/machine.ts";
import { mokutil } from "../../nodes/tools/mokutil.ts";
import { matchesHash } from "../../nodes/tools/shaCrypt.ts";
import type { Result } from "../../nodes/tools/tool.ts";
import { certificate, machine, PASSWORD, PASSWORD_HASH } from "./support.ts";

let key: Certificate;
let other: Certificate;
before(() => {
  key = certificate("Onload");
  other = certificate("Stranger");
});

/** Runs mokutil as root with these files at hand. */
function run(
  target: Machine,
  command: string,
  more: { files?: Record<string, Buffer>; root?: boolean; stdin?: string } = {},
): Result {
  const files: Record<string, Buffer> = {
    "key.der": Buffer.from(key.der, "base64"),
    "other.der": Buffer.from(other.der, "base64"),
    hash: Buffer.from(PASSWORD_HASH),
    ...more.files,
  };
  const readFile = (path: string): Buffer | null => files[path] ?? null;
  const call = { machine: target, args: command.split(" "), root: more.root ?? true, failing: () => false };
  return mokutil({ ...call, readFile, stdin: more.stdin ?? "" });
}

const said = (code: number, stdout: string, stderr = ""): Result => ({ code, stdout, stderr });
const imported = (): Machine => {
  const target = machine();
  run(target, "--import key.der --hash-file hash");
  return target;
};
const enrolled = (): Machine => {
  const target = machine();
  target.firmware.mokList.push(key);
  return target;
};

describe("--sb-state", () => {
  test("tells the state of Secure Boot", () => {
    assert.deepEqual(run(machine("a", true), "--sb-state"), said(0, "SecureBoot enabled\n"));
    assert.deepEqual(run(machine("a", false), "--sb-state"), said(0, "SecureBoot disabled\n"));
  });

  test("a machine without EFI has no variables", () => {
    const target = machine();
    target.firmware.efi = false;
    assert.deepEqual(run(target, "--sb-state"), said(1, "", "EFI variables are not supported on this system\n"));
  });
});

describe("--test-key", () => {
  test("not enrolled, pending, enrolled, in db, blocked; with the exit codes of 0.6.0", () => {
    assert.deepEqual(run(machine(), "--test-key key.der"), said(0, "key.der is not enrolled\n"));
    assert.deepEqual(run(imported(), "--test-key key.der"), said(1, "key.der is already in the enrollment request\n"));
    assert.deepEqual(run(enrolled(), "--test-key key.der"), said(1, "key.der is already enrolled\n"));
    const target = machine();
    target.firmware.db.push(key);
    assert.deepEqual(run(target, "--test-key key.der"), said(1, "key.der is already in db\n"));
    const blocked = machine();
    blocked.firmware.dbx.push(key);
    assert.deepEqual(run(blocked, "--test-key key.der"), said(1, "key.der is blocked in dbx\n"));
  });

  test("only root sees a pending request: its variable is nobody else's to read", () => {
    assert.equal(run(imported(), "--test-key key.der", { root: false }).stdout, "key.der is not enrolled\n");
  });

  test("no file, no certificate", () => {
    assert.deepEqual(run(machine(), "--test-key gone.der"), said(255, "", "Failed to open gone.der\n"));
    assert.deepEqual(run(machine(), "--test-key hash"), said(255, "", "Not a valid x509 certificate\n"));
  });
});

describe("--import", () => {
  test("makes a request with the hash from the file", () => {
    const target = machine();
    assert.deepEqual(run(target, "--import key.der --hash-file hash"), said(0, ""));
    assert.deepEqual(target.firmware.mokNew, [key]);
    assert.equal(target.firmware.mokAuth, PASSWORD_HASH);
  });

  test("a bcrypt hash with a newline after it can't be parsed", () => {
    const target = machine();
    const files = { hash: Buffer.from(`${PASSWORD_HASH}\n`) };
    const expected = said(255, "", "Failed to parse the string\nFailed to read hash\n");
    assert.deepEqual(run(target, "--import key.der --hash-file hash", { files }), expected);
    assert.equal(target.firmware.mokNew, null);
  });

  test("a SHA-512 crypt hash of openssl tolerates the newline, and is of the password", () => {
    const target = machine();
    const hash = execFileSync("openssl", ["passwd", "-6", "-stdin"], { input: PASSWORD });
    assert.deepEqual(run(target, "--import key.der --hash-file hash", { files: { hash } }), said(0, ""));
    assert.equal(matchesHash(PASSWORD, target.firmware.mokAuth ?? ""), true);
    assert.equal(matchesHash("another", target.firmware.mokAuth ?? ""), false);
  });

  test("the password twice on stdin does as well", () => {
    const target = machine();
    const stdin = `${PASSWORD}\n${PASSWORD}\n`;
    assert.equal(run(target, "--import key.der", { stdin }).code, 0);
    assert.equal(matchesHash(PASSWORD, target.firmware.mokAuth ?? ""), true);
    const typo = run(machine(), "--import key.der", { stdin: `${PASSWORD}\nanother\n` });
    assert.deepEqual([typo.code, typo.stderr], [255, "password doesn't match\nAbort\n"]);
  });

  test("enrolled, pending or in db already: SKIP, and nothing changes", () => {
    assert.deepEqual(
      run(enrolled(), "--import key.der --hash-file hash"),
      said(0, "SKIP: key.der is already enrolled\n"),
    );
    const target = imported();
    const files = { hash: Buffer.from(PASSWORD_HASH.replace("7yy", "8yy")) };
    const skipped = said(0, "SKIP: key.der is already in the enrollment request\n");
    assert.deepEqual(run(target, "--import key.der --hash-file hash", { files }), skipped);
    assert.equal(target.firmware.mokAuth, PASSWORD_HASH, "the old password stays");
  });

  test("a second key joins the request and brings its own password for all of it", () => {
    const target = imported();
    const hash = PASSWORD_HASH.replace("7yy", "8yy");
    run(target, "--import other.der --hash-file hash", { files: { hash: Buffer.from(hash) } });
    assert.deepEqual(target.firmware.mokNew, [other, key]);
    assert.equal(target.firmware.mokAuth, hash);
  });

  test("without root it fails with 255", () => {
    const target = machine();
    const expected = said(255, "", "Failed to enroll new keys\n");
    assert.deepEqual(run(target, "--import key.der --hash-file hash", { root: false }), expected);
    assert.equal(target.firmware.mokNew, null);
  });

  test("what is no certificate is refused", () => {
    const expected = said(255, "", "Abort!!! hash is not a valid x509 certificate in DER format\n");
    assert.deepEqual(run(machine(), "--import hash --hash-file hash"), expected);
  });
});

describe("taking back and deleting", () => {
  test("--revoke-import takes the request back, and is content when there is none", () => {
    const target = imported();
    assert.deepEqual(run(target, "--revoke-import"), said(0, ""));
    assert.deepEqual([target.firmware.mokNew, target.firmware.mokAuth], [null, null]);
    assert.deepEqual(run(target, "--revoke-import"), said(0, ""));
  });

  test("--delete of a pending key takes it out of the request, without a password", () => {
    const target = imported();
    assert.deepEqual(run(target, "--delete key.der"), said(0, "Removed key.der from MokNew\n"));
    assert.deepEqual([target.firmware.mokNew, target.firmware.mokAuth], [null, null]);
  });

  test("--delete of an enrolled key makes a request, which --import takes back", () => {
    const target = enrolled();
    assert.deepEqual(run(target, "--delete key.der --hash-file hash"), said(0, ""));
    assert.deepEqual(target.firmware.mokDel, [key]);
    assert.match(run(target, "--list-delete").stdout, /^\[key 1\]\nSHA1 Fingerprint: [0-9a-f:]{59}\n/);
    assert.deepEqual(run(target, "--import key.der --hash-file hash"), said(0, "Removed key.der from MokDel\n"));
    assert.deepEqual([target.firmware.mokDel, target.firmware.mokDelAuth], [null, null]);
  });

  test("--delete of a key that isn't there is skipped", () => {
    assert.deepEqual(run(machine(), "--delete key.der --hash-file hash"), said(0, "SKIP: key.der is not in MokList\n"));
  });
});

describe("the rest", () => {
  test("lists print nothing when they are empty", () => {
    for (const list of ["--list-enrolled", "--list-new", "--list-delete", "--db", "--dbx"]) {
      assert.deepEqual(run(machine(), list), said(0, ""));
    }
    assert.match(run(enrolled(), "--list-enrolled").stdout, /Subject: CN=Onload/);
  });

  test("--timeout keeps -1, limits the rest, and takes 10 for the built-in value", () => {
    const target = machine();
    for (const [text, kept] of [
      ["-1", -1],
      ["-7", -1],
      ["30", 30],
      ["99999", 0x7fff],
      ["0", 0],
      ["10", null],
    ] as const) {
      assert.equal(run(target, `--timeout ${text}`).code, 0);
      assert.equal(target.firmware.mokTimeout, kept);
    }
  });

  test("what the model doesn't know is refused by name", () => {
    assert.deepEqual(run(machine(), "--reset"), said(255, "", "mokutil: the sandbox doesn't know --reset\n"));
    assert.match(run(machine(), "--timeout 5 --sb-state").stderr, /only one command a call/);
  });
});
