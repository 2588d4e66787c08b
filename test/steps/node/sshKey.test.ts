import assert from "node:assert/strict";
import { test } from "node:test";
import ssh from "ssh2";
import { agentProblem, privateKeyProblem } from "../../../steps/node/sshKey.ts";
import { ed25519Key } from "@onload-kmm/sandbox/test/sshKey";

const make = ssh.utils.generateKeyPairSync;
const string = (text: string | Buffer): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, Buffer.from(text)]);
};

/** An OpenSSH key file of a type (PROTOCOL.key in OpenSSH's source), with a made-up body. */
function keyFile(type: string): string {
  const one = Buffer.from([0, 0, 0, 1]);
  const body = Buffer.concat([Buffer.alloc(8), string(type), string(Buffer.alloc(32, 1)), string("ssh:")]);
  const padded = Buffer.concat([body, Buffer.from([1, 2, 3, 4, 5, 6, 7].slice(0, (8 - (body.length % 8)) % 8))]);
  const pub = Buffer.concat([string(type), string(Buffer.alloc(32, 1)), string("ssh:")]);
  const parts = [
    Buffer.from("openssh-key-v1\0"),
    string("none"),
    string("none"),
    string(""),
    one,
    string(pub),
    string(padded),
  ];
  const lines =
    Buffer.concat(parts)
      .toString("base64")
      .match(/.{1,70}/g) ?? [];
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join("\n")}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

const rows: readonly (readonly [what: string, text: string, problem: RegExp | undefined])[] = [
  ["Ed25519", ed25519Key().private, undefined],
  ["RSA", make("rsa", { bits: 2048 }).private, undefined],
  ["ECDSA", make("ecdsa", { bits: 256 }).private, undefined],
  [
    "with a passphrase",
    make("ecdsa", { bits: 256, passphrase: "hunter2", cipher: "aes256-ctr" }).private,
    /^it has a passphrase$/,
  ],
  ["of a security key", keyFile("sk-ssh-ed25519@openssh.com"), /Unsupported|unsupported/],
  ["the public half", ed25519Key().public, /^it holds a public key$/],
  ["a certificate", "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29t", /./],
  ["nothing", "", /./],
];

for (const [what, text, problem] of rows) {
  test(`a key to log in with: ${what}: ${problem === undefined ? "taken" : "refused"}`, () => {
    const found = privateKeyProblem(text);
    if (problem === undefined) assert.equal(found, undefined);
    else assert.match(found ?? "", problem);
    assert.ok(!(found ?? "").includes("hunter2"));
  });
}

test("an agent must be there", () => {
  assert.equal(agentProblem("/run/agent"), undefined);
  for (const none of [undefined, ""]) assert.match(agentProblem(none) ?? "", /^SSH_AUTH_SOCK isn't set .*ssh-add/);
});
