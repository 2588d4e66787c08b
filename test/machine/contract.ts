/**
 * One contract, two machines: what mokutil answers and MokManager shows, word for word. The virtual machine and the
 * sandbox's model of a node are both tested against it, so that the model can't drift from the real thing.
 */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { openConsole } from "../../steps/firmware/console/consoleCommand.ts";
import { enrolOverConsole } from "../../steps/firmware/console/mokManager.ts";
import type { Request } from "../../steps/firmware/console/menu.ts";
import { documentedScreens } from "./mokManagerDocument.ts";
import { hashes, password } from "@onload-kmm/secure-boot/passwords";
import { ScreenRecorder } from "@onload-kmm/secure-boot/screens";

/** A node, real or modelled: Secure Boot on, the key unknown, nothing pending. */
export interface Node {
  /** Runs a command line as `core`. */
  run(commandLine: string, stdin?: string): Promise<{ code: number | null; stdout: string; stderr: string }>;
  /** The serial console as a node's `console` setting. */
  console: string;
  /** Reboots by the on-node tool; resolves when the node is asked to, and with a promise of its next boot. */
  reboot(): Promise<{ up: Promise<unknown> }>;
  /** The certificate's DER. */
  certificate: Buffer;
  recorder: ScreenRecorder;
}

/** A command line, and what it must answer: exit code, standard output, standard error. */
type Case = [commandLine: string, code: number, stdout?: string, stderr?: string];

const importKey = "sudo mokutil --import key.der --hash-file bcrypt";
const deleteKey = "sudo mokutil --delete key.der --hash-file sha512";

/** mokutil 0.6.0. Exit codes of --test-key were inverted after 0.7.2; nothing relies on them. */
const beforeEnrolment: Case[] = [
  ["sudo mokutil --sb-state", 0, "SecureBoot enabled\n"],
  ["sudo mokutil --test-key key.der", 0, "key.der is not enrolled\n"],
  ["sudo mokutil --revoke-import", 0],
  ["sudo mokutil --import missing.der --hash-file bcrypt", 255, "", "Failed to get file status, missing.der\n"],
  [
    "sudo mokutil --import bcrypt --hash-file bcrypt",
    255,
    "",
    "Abort!!! bcrypt is not a valid x509 certificate in DER format\n",
  ],
  ["sudo mokutil --import key.der --hash-file newline", 255, "", "Failed to parse the string\nFailed to read hash\n"],
  // Without sudo some kernels let mokutil complain about their keyring first.
  ["mokutil --import key.der --hash-file bcrypt 2>/dev/null", 255],
  ["mokutil --import key.der --hash-file bcrypt 2>&1 | tail -n 1", 0, "Failed to enroll new keys\n"],
  [importKey, 0],
  ["sudo mokutil --test-key key.der", 1, "key.der is already in the enrollment request\n"],
  [importKey, 0, "SKIP: key.der is already in the enrollment request\n"],
  ["sudo mokutil --list-new | head -n 1", 0, "[key 1]\n"],
  [deleteKey, 0, "Removed key.der from MokNew\n"],
  ["sudo mokutil --test-key key.der", 0, "key.der is not enrolled\n"],
  [deleteKey, 0, "SKIP: key.der is not in MokList\n"],
  [importKey, 0],
];

const afterEnrolment: Case[] = [
  ["sudo mokutil --test-key key.der", 1, "key.der is already enrolled\n"],
  [importKey, 0, "SKIP: key.der is already enrolled\n"],
  ["sudo mokutil --list-new", 0],
  [deleteKey, 0],
  [deleteKey, 0, "SKIP: key.der is already in the deletion request\n"],
  ["sudo mokutil --revoke-delete", 0],
  ["sudo mokutil --list-delete", 0],
  [deleteKey, 0],
  ["sudo mokutil --timeout -1", 0],
];

/** Runs all cases in one session, and compares all answers at once. */
async function answersAre(node: Node, cases: Case[]): Promise<void> {
  const files = [
    "umask 077; mkdir -p contract; cd contract; base64 -d >key.der",
    `printf %s '${hashes.bcrypt}' >bcrypt; printf '%s\\n' '${hashes.bcrypt}' >newline; printf %s '${hashes.sha512}' >sha512`,
  ];
  const runs = cases.map(
    ([commandLine]) =>
      `{ ${commandLine}; } >out 2>err </dev/null; echo "exit $?"; sed 's/^/out /' out; sed 's/^/err /' err; echo end`,
  );
  const script = [...files, ...runs, "cd ..; rm -r contract"].join("\n");
  const { stdout, stderr } = await node.run(script, node.certificate.toString("base64"));
  assert.equal(stderr, "");
  const prefixed = (prefix: string, text = ""): string => text.replaceAll(/^(?=.)/gm, prefix);
  const expected = cases.map(
    ([commandLine, code, out, err]) =>
      `$ ${commandLine}\nexit ${code}\n${prefixed("out ", out)}${prefixed("err ", err)}`,
  );
  const answers = stdout.split(/^end\n/m).slice(0, -1);
  assert.deepEqual(
    answers.map((answer, index) => `$ ${cases[index]?.[0] ?? ""}\n${answer}`),
    expected,
  );
}

/** Drives MokManager through the next boot, and compares its screens with those of docs/mokmanager.md. */
async function screensAre(node: Node, request: Request, story: string): Promise<void> {
  const driving = enrolOverConsole({
    console: await openConsole(node.console),
    request,
    password,
    certificate: new X509Certificate(node.certificate),
    log: (line) => process.stderr.write(`# ${line}\n`),
    deadlineSeconds: 900,
    recordScreen: node.recorder.story(story),
  });
  const { up } = await node.reboot();
  assert.deepEqual(await driving, { kind: "accepted" });
  await up;
  assert.deepEqual(
    node.recorder.screens.filter((screen) => screen.story === story),
    (await documentedScreens()).filter((screen) => screen.story === story),
    "if the real machine's screens have changed: npx node test/machine/renderScreens.ts",
  );
}

/** From an unknown key to an enrolled one. */
export function enrolmentContract(node: () => Node): void {
  test("mokutil answers as mokutil 0.6.0 does, up to the request", () => answersAre(node(), beforeEnrolment));
  test("MokManager shows the documented screens on the way to enrolment", () =>
    screensAre(node(), "enrol", "Enrolment"));
}

/** From an enrolled key back to an unknown one. */
export function deletionContract(node: () => Node): void {
  test("mokutil answers as mokutil 0.6.0 does, about an enrolled key", () => answersAre(node(), afterEnrolment));
  test("MokManager shows the documented screens on the way to deletion", () =>
    screensAre(node(), "delete", "Deletion"));
}
