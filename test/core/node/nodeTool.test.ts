import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { certificateInput, toolCommand, toolInput } from "../../../core/node/nodeTool.ts";
import { consoleForm, parseAddress, tcpConsole } from "../../../core/configuration/address.ts";
import { rsaPair } from "../configuration/pems.ts";

test("a tool's text reaches the node's shell as it is, whatever is in it", () => {
  const awkward = String.raw`printf '%s|' "$0" '$HOME' "it's" '\'`;
  const output = execFileSync("sh", ["-c", toolCommand("set -eu", awkward)], { encoding: "utf8" });
  assert.equal(output, "sh|$HOME|it's|\\|");
});

test("any text survives the quoting", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme-ascii" }).filter((text) => !text.includes("\0")),
      (text) => {
        const word = toolCommand("", text).replace(/^timeout \d+ sh -c /, "");
        return execFileSync("sh", ["-c", `printf %s ${word}`], { encoding: "utf8" }) === `\n${text}`;
      },
    ),
    { numRuns: 30 },
  );
});

test("a tool that hangs is ended after its time", () => {
  assert.match(toolCommand("", "x"), /^timeout 120 sh -c /);
  assert.match(toolCommand("", "x", 5), /^timeout 5 sh -c /);
});

test("a tool's input is a line for each value", () => {
  assert.equal(toolInput({ certificate: "AAAA", timeout: "-1" }), "certificate=AAAA\ntimeout=-1\n");
  assert.equal(toolInput({}), "");
});

test("a certificate goes to the node as its DER in base64, on one line", async () => {
  const { certificate } = await rsaPair();
  const line = certificateInput(certificate);
  assert.match(line, /^[A-Za-z0-9+/]+=*$/);
  assert.equal(
    new X509Certificate(Buffer.from(line, "base64")).fingerprint256,
    new X509Certificate(certificate).fingerprint256,
  );
});

const addresses: [address: string, host: string, port: number][] = [
  ["worker-1", "worker-1", 22],
  ["worker-1.example.com:2222", "worker-1.example.com", 2222],
  ["10.0.0.1", "10.0.0.1", 22],
  ["127.0.0.1:22011", "127.0.0.1", 22011],
  ["[fd00::1]", "fd00::1", 22],
  ["[fd00::1]:2222", "fd00::1", 2222],
];
for (const [address, host, port] of addresses) {
  test(`the node at ${address} is reached at ${host}, port ${port}`, () => {
    assert.deepEqual(parseAddress(address), { host, port });
  });
}

for (const [console, address] of [
  ["tcp:console-1:7001", "console-1:7001"],
  ["tcp:[fd00::1]:7001", "[fd00::1]:7001"],
  ["unix:/run/tcp:1", undefined],
  ["ssh -t bmc tcp:1", undefined],
] as const) {
  test(`the console ${console} is ${address === undefined ? "no TCP port" : `the TCP port ${address}`}`, () => {
    assert.equal(tcpConsole(console), address);
    if (address !== undefined) assert.match(console, consoleForm);
  });
}

for (const address of ["console-1", "fd00::1:7001", "[fd00::1]", ":7001", "console-1:70010000", "http://console-1:1"]) {
  test(`${address} is no TCP port`, () => assert.doesNotMatch(`tcp:${address}`, consoleForm));
}
