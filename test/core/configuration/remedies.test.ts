/** Mistakes that people made, and what the message says beside what was expected. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSettings } from "../../../core/configuration/parseSettings.ts";
import { shown } from "../../../core/configuration/remedies.ts";
import { rsaPair } from "./pems.ts";
import { asPulumi, changed, complete } from "./settings.ts";

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPFLzwBSLxnEUDoL8AiL5LxpgO9vIJ1VnR5uaKYhcSZy";

type Path = readonly (string | number)[];

/** The one problem of a good configuration in which one value is another. */
function problemOf(path: Path, value: unknown): string {
  const { problems } = parseSettings(asPulumi(changed(complete, path, value)), () => false);
  assert.equal(problems.length, 1, problems.join("\n"));
  return problems[0] ?? "";
}

const mistakes: readonly [what: string, path: Path, value: unknown, remedy: RegExp][] = [
  ["a version that YAML takes for a number", ["release", "version"], 9, /; put it in quotes: "9" \(YAML drops/],
  [
    "a number in quotes",
    ["rollout", "maxParallel"],
    "2",
    /found "2", expected how many .*; write it without quotes: 2 \[/,
  ],
  ["a boolean in quotes", ["nodes", 0, "hold"], "true", /; write true, without quotes \[/],
  ["a yes", ["rollout", "drain"], "Yes", /; write true, without quotes \[/],
  ["a name in upper case", ["nodes", 0, "name"], "Worker-1", /; Kubernetes has names in lower case: worker-1 \[/],
  ["a bare IPv6 address", ["nodes", 0, "address"], "fd00::11", /; an IPv6 address stands in brackets: \[fd00::11\] \[/],
  [
    "a host key with its host",
    ["nodes", 0, "hostKey"],
    `w1 ${hostKey}`,
    /; leave out all but type and key: "ssh-ed25519 \S+" \[/,
  ],
  [
    "an IPv6 address with a port",
    ["nodes", 0, "address"],
    "fd00::11:2222",
    /; an IPv6 address stands in brackets: \[fd00::11:2222\], or with a port \[fd00::11\]:2222 \[/,
  ],
  [
    "an address with its user",
    ["nodes", 0, "address"],
    "core@w1:22",
    /; the user belongs into onload-kmm:ssh\.user: w1:22 \[/,
  ],
  ["a version with a v", ["release", "version"], "v9.0", /; without the v: 9\.0 \[/],
  [
    "a host key of the kind DSA",
    ["nodes", 0, "hostKey"],
    "ssh-dss AAAAB3NzaC1kc3M=",
    /; DSA keys are no longer accepted: /,
  ],
  ["a checksum in upper case", ["release", "sha256"], "AB".repeat(32), /; in lower case: (ab){32} \[/],
];
for (const [what, path, value, remedy] of mistakes) {
  test(`${what} is told with the way out`, () => assert.match(problemOf(path, value), remedy));
}

test("a value that nobody can guess at has no remedy of its own", () => {
  assert.match(
    problemOf(["rollout", "maxParallel"], "many"),
    /found "many", expected how many [^;]* \[OKMM-CONFIG-VALUE\]$/,
  );
});

test("a certificate is shown by its subject and fingerprint", async () => {
  const { certificate } = await rsaPair();
  assert.match(shown(certificate), /^the certificate of CN=.* with SHA-256 fingerprint ([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  assert.equal(shown("-----BEGIN CERTIFICATE-----\nx"), "a certificate in PEM that can't be read");
  assert.equal(shown({ a: 1 }), '{"a":1}');
  assert.equal(shown(null), "nothing");
});

test("a private key in a place that isn't secret is refused, and not shown", async () => {
  const { key, certificate } = await rsaPair();
  const [, , body = assert.fail()] = key.split("\n");
  const swapped = { ...complete, signing: { source: "existing" }, signingKey: certificate, signingCertificate: key };
  const { problems } = parseSettings(asPulumi(swapped), (name) => name === "signingKey");
  assert.match(
    problems.join("\n"),
    /signingKey: found a value that is kept secret, expected .*, not the public part of one/,
  );
  assert.match(problems.join("\n"), /signingCertificate: found a private key, expected a certificate in PEM/);
  assert.ok(!problems.join("\n").includes(body));
  assert.doesNotMatch(shown({ key }), new RegExp(body.replaceAll("+", "\\+")));
});
