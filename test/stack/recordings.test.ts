import assert from "node:assert/strict";
import { test } from "node:test";
import { engineScreen, everyLine, masked } from "./recordings.ts";

const masks = { dir: "/somewhere/mine", secrets: [{ name: "password", value: "correct horse" }], columns: 30 };

test("what is different each time and where it was recorded is masked, before lines are broken as a terminal does", () => {
  const picture = "log in /somewhere/mine/logs/a-1234abcd.log\ncreated (12s)... 00:14 ****8113\n127.0.0.1:22111";
  assert.equal(
    masked(picture, masks),
    "log in .sandbox/logs/a-0000000\n0.log\ncreated (0s) 00:00 ****0000\n127.0.0.1:00000",
  );
});

test("a wait that was told many times is told once", () => {
  const told = "      00:01 waiting for it: one\n      00:02 waiting for it: two\n      timed out after 12 s";
  assert.equal(masked(told, masks), "      […]\n      timed out after 4 s");
});

test("the engine's lines on plugins are left out", () => {
  const plugins =
    "warning: using pulumi-language-nodejs from $PATH at /x\n    pulumi-resource-tls: a stand-in for version 5";
  assert.equal(masked(`${plugins}\nUpdating (dev):`, masks), "Updating (dev):");
});

test("a secret on the terminal is no recording", () => {
  for (const picture of ["Password: correct horse", "Password: correct h\norse", "Y29ycmVjdCBob3JzZQ=="]) {
    assert.throws(() => masked(picture, masks), /a secret is on the terminal/, picture);
  }
});

const row = (name: string, message: string) => ` +   ├─ command:local:Command  ${name}  creating (0s)  ${message}`;

test("the engine's rows count without their order and without how a message was cut; sentences count in theirs", () => {
  const one = engineScreen([row("a-roll", "MokManager waits"), row("b", ""), "error: one", "error: two"].join("\n"));
  const other = engineScreen([row("b", ""), row("a-roll", "MokManager wa"), "error: one", "error: two"].join("\n"));
  assert.deepEqual(one, other);
  for (const lines of [
    [row("a-roll", "waiting for"), row("b", ""), "error: one", "error: two"],
    [row("a-roll", "MokManager waits"), "error: one", "error: two"],
    [row("a-roll", "MokManager waits"), row("b", ""), "error: two", "error: one"],
  ]) {
    assert.notDeepEqual(engineScreen(lines.join("\n")), one);
  }
});

test("what the engine says at the end of each resource counts without the resources' order", () => {
  const one = "  a:b:C (one):\n    error: x";
  const other = "  a:b:C (two):\n    error: y";
  const screen = (...told: string[]) => engineScreen(`Diagnostics:\n${told.join("\n\n")}\n\nResources:`);
  assert.deepEqual(screen(one, other), screen(other, one));
  assert.notDeepEqual(screen(one, other), screen(one));
});

test("elsewhere every line counts, and its words", () => {
  assert.deepEqual(everyLine("✔ a step     00:00\n\nend"), ["✔ a step 00:00", "end"]);
});
