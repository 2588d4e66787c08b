/** The search itself: it finds each planted secret, in each form, in each kind of place. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import ssh2 from "ssh2";
import { leaksInCluster } from "./cluster.ts";
import type { Secret } from "./forms.ts";
import { leaksInFiles, leaksInProcesses, leaksInText } from "./places.ts";
import { Search } from "./search.ts";
import { passwordHashes, secretsInState, textsOf } from "./state.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const pkcs8 = rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const pkcs1 = rsa.privateKey.export({ type: "pkcs1", format: "pem" }).toString();
const password = `a "quoted" <pass>&word+${randomBytes(6).toString("hex")}/\\`;

const kinds: readonly Secret[] = [
  { name: "RSA key", value: pkcs8 },
  { name: "EC key", value: ec.privateKey.export({ type: "pkcs8", format: "pem" }).toString() },
  { name: "SSH key", value: ssh2.utils.generateKeyPairSync("ed25519").private },
  { name: "password", value: password },
  { name: "token", value: randomBytes(24).toString("base64url") },
  { name: "entitlement", value: "a line of its own\nand another that is long enough\n" },
];

/** How programs write a secret down, each with other text around it. */
const writers: Readonly<Record<string, (value: string) => string | Buffer>> = {
  raw: (value) => `before ${value} after`,
  "in base64": (value) => b64(value),
  "in base64, one byte on": (value) => b64(`x${value}y`),
  "in base64, two bytes on": (value) => b64(`xx${value}yz`),
  "in base64url": (value) => Buffer.from(`x${value}`).toString("base64url"),
  "in hex": (value) => Buffer.from(value).toString("hex"),
  "in upper hex": (value) => Buffer.from(value).toString("hex").toUpperCase(),
  "in a URL": (value) => `https://host/?secret=${encodeURIComponent(value)}&more=1`,
  "in a form": (value) => new URLSearchParams({ secret: value }).toString(),
  "in JSON": (value) => JSON.stringify({ secret: value }),
  "in Go's JSON": (value) => goJson(JSON.stringify({ secret: value })),
  "in JSON in JSON": (value) => JSON.stringify({ stdin: JSON.stringify({ secret: value }) }),
  "in a Secret in base64": (value) => b64(JSON.stringify({ data: { key: b64(value) } })),
  "with CR and LF": (value) => value.replaceAll("\n", "\r\n"),
  "among other bytes": (value) => Buffer.concat([randomBytes(100), Buffer.from(value), randomBytes(100)]),
};

const b64 = (value: string | Buffer): string => Buffer.from(value as string).toString("base64");
const goJson = (json: string): string =>
  json.replaceAll("<", "\\u003c").replaceAll(">", "\\u003e").replaceAll("&", "\\u0026");

const found = (search: Search, text: string | Buffer): string[] => search.in(text).map(({ secret }) => secret);

describe("each form of each kind of secret", () => {
  const search = new Search(kinds);
  for (const { name, value } of kinds) {
    for (const [how, write] of Object.entries(writers)) {
      test(`${name} ${how}`, () => assert.deepEqual(found(search, write(value)), [name]));
    }
  }

  test("a key's DER, raw, in hex and in base64 with lines of any width", () => {
    for (const key of [rsa.privateKey, ec.privateKey]) {
      const name = key === rsa.privateKey ? "RSA key" : "EC key";
      const der = key.export({ type: "pkcs8", format: "der" });
      for (const text of [der, der.toString("hex"), b64(der), folded(der, 64), folded(der, 70), folded(der, 76)]) {
        assert.deepEqual(found(search, text), [name]);
      }
    }
  });

  test("an RSA key in its other format, and any of its numbers alone", () => {
    const { d, p, q } = rsa.privateKey.export({ format: "jwk" });
    for (const text of [pkcs1, d, p, q]) assert.deepEqual(found(search, text ?? assert.fail()), ["RSA key"]);
  });

  test("one line out of the middle of a PEM", () => {
    const lines = pkcs8.split("\n");
    const hits = lines.filter((line) => found(search, line).length > 0);
    assert.ok(hits.length >= 3, `${hits.length} of ${lines.length} lines`);
  });

  test("several secrets in one text are all found, each once", () => {
    const text = kinds.map(({ value }) => `${value} ${b64(value)}`).join("\n");
    assert.deepEqual(found(search, text).sort(), kinds.map(({ name }) => name).sort());
  });
});

describe("what is no leak", () => {
  const search = new Search(kinds);
  test("a key's public half, in every form", () => {
    for (const { publicKey } of [rsa, ec]) {
      const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
      for (const write of Object.values(writers)) assert.deepEqual(search.in(write(pem)), []);
      assert.deepEqual(search.in(publicKey.export({ type: "spki", format: "der" })), []);
    }
  });

  test("another password, another key, random bytes", () => {
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const text = `${other.privateKey.export({ type: "pkcs8", format: "pem" }).toString()} a "quoted" <pass>&word+`;
    assert.deepEqual(search.in(text), []);
    assert.deepEqual(search.in(randomBytes(1 << 20)), []);
  });

  test("an empty text, and one that ends within a secret", () => {
    assert.deepEqual(search.in(""), []);
    assert.deepEqual(search.in(password.slice(0, -1)), []);
  });
});

describe("each kind of place", () => {
  const secret = { name: "password", value: `planted${randomBytes(8).toString("hex")}` };
  const search = new Search([secret]);

  test("files: in folders of folders, in binary ones; those that are excepted are passed over", async (t) => {
    const directory = await mkdtemp(join(tmpdir(), "onload-kmm-test-"));
    t.after(() => rm(directory, { recursive: true, force: true }));
    const file = (name: string): string => join(directory, name);
    await mkdir(file("nodes/worker-1/tmp"), { recursive: true });
    await Promise.all([
      writeFile(file("nodes/worker-1/tmp/hash"), secret.value),
      writeFile(file("audit.log"), Buffer.concat([Buffer.from([0, 255]), Buffer.from(b64(secret.value))])),
      writeFile(file("bmc.json"), secret.value),
      writeFile(file("clean"), "nothing"),
    ]);
    assert.deepEqual(await leaksInFiles(directory, search, /\/bmc\.json$/), [
      `${file("audit.log")}: password (base64)`,
      `${file("nodes/worker-1/tmp/hash")}: password (raw)`,
    ]);
  });

  test("a terminal that broke the line in the middle of it", () => {
    const [one, two] = [secret.value.slice(0, 9), secret.value.slice(9)];
    assert.deepEqual(leaksInText("output", `Password: ${one}\r\n   ${two} end`, search), ["output: password (raw)"]);
    assert.deepEqual(leaksInText("output", "Password: ********", search), []);
  });

  test("a process: in its arguments, and in any variable but Pulumi's own", async () => {
    const end = new AbortController();
    const env = { PATH: process.env["PATH"], SHOWN: `x=${secret.value}`, PULUMI_CONFIG: secret.value };
    const child = spawn("sh", ["-c", "read line; true", b64(secret.value)], { env, signal: end.signal });
    // An aborted child is an error of its own.
    child.on("error", () => undefined);
    await once(child, "spawn");
    let looks = 0;
    const enough = Promise.withResolvers<undefined>();
    const leaks = leaksInProcesses(() => {
      looks += 1;
      if (looks === 3) enough.resolve(undefined);
      return Promise.resolve(search);
    }, enough.promise);
    const all = await leaks;
    end.abort();
    const program = `sh -c read line; true ${b64(secret.value)}`.slice(0, 80);
    assert.ok(all.includes(`arguments of ${program}: password (base64)`), all.join("\n"));
    assert.ok(all.includes(`SHOWN of ${program}: password (raw)`), all.join("\n"));
    assert.ok(!all.some((each) => each.startsWith("PULUMI_CONFIG")), all.join("\n"));
  });

  test("objects of a cluster: annotations, events, status; Secrets themselves aren't asked for", async () => {
    const asked: (readonly string[])[] = [];
    const meta = (name: string) => ({ name, namespace: "onload-kmm" });
    const items = [
      { kind: "Event", metadata: meta("failed"), message: `can't log in with ${secret.value}` },
      { kind: "Node", metadata: { name: "worker-1", annotations: { note: b64(secret.value) } } },
      { kind: "ConfigMap", metadata: meta("clean"), data: { text: "nothing" } },
    ];
    const kubectl = (args: readonly string[]): Promise<string> => {
      asked.push(args);
      return Promise.resolve(args[0] === "get" ? JSON.stringify({ items }) : "events\nnodes\nsecrets\nconfigmaps\n");
    };
    assert.deepEqual(await leaksInCluster({ kubectl }, search), [
      "Event/onload-kmm/failed: password (raw)",
      "Node/worker-1: password (base64)",
    ]);
    assert.equal(asked[1]?.[1], "events,nodes,configmaps");
  });
});

describe("state as Pulumi exports it", () => {
  const hash = `$2a$10$${"a".repeat(53)}`;
  const sealed = (more: object) => ({
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    ...more,
  });
  const open = (value: unknown) => sealed({ plaintext: JSON.stringify(value) });
  const resource = (type: string, name: string, inputs: object, outputs: object) => ({
    urn: `urn:pulumi:dev::onload-kmm::${type}::${name}`,
    type,
    inputs,
    outputs,
  });
  const resources = [
    resource("command:local:Command", "worker-1-import", { stdin: open(`{"hash":"${hash}"}`) }, { stdin: open("x") }),
    resource(
      "kubernetes:core/v1:Secret",
      "signing-key",
      {},
      { data: { key: open("pem") }, __inputs: { data: { key: open("pem") } } },
    ),
  ];
  const text = JSON.stringify({ deployment: { resources } });

  test("each secret is named once by resource and property, with its texts", () => {
    assert.deepEqual(
      secretsInState(text).map(({ resource, property }) => `${resource} ${property}`),
      ["worker-1-import stdin", "signing-key data.key"],
    );
    assert.deepEqual(secretsInState(text).flatMap(textsOf), ["x", "pem"]);
  });

  test("sealed ones are named too, and have no text", () => {
    const closed = resource("a:b:C", "one", { given: sealed({ ciphertext: "v1:…" }) }, {});
    const [secret] = secretsInState(JSON.stringify({ deployment: { resources: [closed] } }));
    assert.deepEqual(secret, { type: "a:b:C", resource: "one", property: "given", plaintext: undefined });
  });

  test("the password's hash is found in a step's input", () => {
    const inputs = resource("command:local:Command", "i", { stdin: open(JSON.stringify({ hash })) }, {});
    const deciphered = JSON.stringify({ deployment: { resources: [inputs] } });
    assert.deepEqual(passwordHashes(deciphered), [{ name: "MOK password's hash", value: hash }]);
  });
});

function folded(der: Buffer, width: number): string {
  return b64(der).replaceAll(new RegExp(`.{${width}}`, "g"), "$&\n");
}
