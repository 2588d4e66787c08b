/** The client against a small registry over TLS: what real ones answer, each in its own way. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { RegistryClient } from "../../../../steps/build/registry/client.ts";
import { challengeIn } from "../../../../steps/build/registry/token.ts";
import { answer, certificate, digest, manifest, startServer, type Handler } from "./server.ts";

const credentials = { user: "robot", password: "a-password-of-ours" };
const basic = `Basic ${Buffer.from("robot:a-password-of-ours").toString("base64")}`;

/** A registry that answers so, and a client of it. */
async function registry(
  context: Pick<TestContext, "after">,
  handler: Handler,
  { ca = certificate.cert, tls = true } = {},
): Promise<RegistryClient> {
  const host = await startServer(context, handler, { tls });
  return new RegistryClient({ host, credentials, ca: ca === "" ? undefined : ca, patience: 0 });
}

const refusal = (pattern: RegExp) => (error: unknown) => {
  assert.match(String(error), pattern);
  assert.doesNotMatch(String(error), /a-password-of-ours|cm9ib3Q/);
  return true;
};

test("a tag's digest is the manifest's, and a tag that isn't there has none", async (t) => {
  const client = await registry(t, ({ url, headers }, response) => {
    assert.match(String(headers.accept), /oci\.image\.index.*manifest\.list/);
    if (url === "/v2/team/onload/manifests/t1") manifest(response);
    else answer(response, 404);
  });
  assert.equal(await client.digest("team/onload", "t1"), digest("1"));
  assert.equal(await client.digest("team/onload", "t2"), undefined);
});

test("a registry that asks for a password is told it, once asked", async (t) => {
  const seen: (string | undefined)[] = [];
  const client = await registry(t, ({ headers }, response) => {
    seen.push(headers.authorization);
    if (headers.authorization === basic) manifest(response);
    else answer(response, 401, { "www-authenticate": 'Basic realm="x"' });
  });
  assert.equal(await client.digest("team/onload", "t1"), digest("1"));
  assert.equal(await client.digest("team/onload", "t1"), digest("1"));
  assert.deepEqual(seen, [undefined, basic, basic]);
});

test("a token server is asked with service and scope, and its token goes to the registry", async (t) => {
  const client = await registry(t, ({ url = "", headers }, response, base) => {
    if (url.startsWith("/token")) {
      assert.equal(headers.authorization, basic);
      assert.equal(url, "/token?service=registry&scope=repository%3Ateam%2Fonload%3Apull");
      answer(response, 200, {}, JSON.stringify({ token: "t0k3n" }));
    } else if (headers.authorization === "Bearer t0k3n") manifest(response);
    else answer(response, 401, { "www-authenticate": `Bearer realm="${base}/token",service="registry"` });
  });
  assert.equal(await client.digest("team/onload", "t1"), digest("1"));
});

for (const [what, header, expected] of [
  [
    "a token server without TLS",
    'Bearer realm="http://127.0.0.1/token"',
    /token server is "http:.*sent over https only/,
  ],
  ["a kind of login that isn't known", 'Negotiate realm="x"', /a kind of login that this program doesn't know/],
  ["a wrong password", 'Basic realm="x"', /answered 401: user and password of registry\.pushSecret are wrong/],
] as const) {
  test(`${what} is refused in words, and no credentials are in them`, async (t) => {
    const client = await registry(t, (_request, response) => answer(response, 401, { "www-authenticate": header }));
    await assert.rejects(client.digest("team/onload", "t1"), refusal(expected));
  });
}

for (const [what, handler, expected] of [
  [
    "a token server that refuses",
    403,
    /token server \S+ answered 403; check user and password in registry\.pushSecret/,
  ],
  ["a token server that gives none", 200, /gave no token/],
] as const) {
  test(`${what} is told`, async (t) => {
    const client = await registry(t, ({ url = "" }, response, base) => {
      if (url.startsWith("/token")) answer(response, handler, {}, "{}");
      else answer(response, 401, { "www-authenticate": `Bearer realm="${base}/token"` });
    });
    await assert.rejects(client.digest("team/onload", "t1"), refusal(expected));
  });
}

test("a certificate that nobody trusts ends the connection before credentials are sent", async (t) => {
  let asked = 0;
  const client = await registry(t, () => (asked += 1), { ca: "" });
  await assert.rejects(
    client.digest("team/onload", "t1"),
    refusal(/this machine doesn't trust the authority that signed its certificate/),
  );
  assert.equal(asked, 0);
});

test("a registry without TLS isn't used", async (t) => {
  const client = await registry(t, (_request, response) => manifest(response), { tls: false });
  await assert.rejects(client.digest("team/onload", "t1"), refusal(/doesn't speak TLS/));
});

test("one that is away is told as that, with its answer", async (t) => {
  const client = await registry(t, (_request, response) => answer(response, 503));
  await assert.rejects(client.digest("team/onload", "t1"), refusal(/no answer: it answered 503/));
});

test("a manifest without digest is no manifest that is there", async (t) => {
  const client = await registry(t, (_request, response) => answer(response, 200));
  await assert.rejects(client.digest("team/onload", "t1"), refusal(/it gave no digest/));
});

/** A registry with one tag, that deletes what `deletes` says. */
const deleting = (deletes: "tags" | "digests" | "nothing") => {
  let isThere = true;
  const deleted: string[] = [];
  const handler: Handler = ({ method, url = "" }, response) => {
    const reference = url.split("/").at(-1) ?? "";
    if (method === "HEAD") {
      if (isThere) manifest(response);
      else answer(response, 404);
      return;
    }
    deleted.push(reference);
    const does = deletes === (reference.startsWith("sha256:") ? "digests" : "tags");
    if (does) isThere = false;
    answer(response, does ? 202 : 405);
  };
  return { handler, deleted };
};

for (const [deletes, calls, isGone] of [
  ["tags", ["t1"], true],
  ["digests", ["t1", digest("1")], true],
  ["nothing", ["t1", digest("1")], false],
] as const) {
  test(`where a registry deletes ${deletes}, a tag is ${isGone ? "gone" : "known to stay"}`, async (t) => {
    const { handler, deleted } = deleting(deletes);
    const client = await registry(t, handler);
    assert.equal(await client.remove("team/onload", "t1"), isGone);
    assert.deepEqual(deleted, calls);
  });
}

test("a tag that isn't there needs no deletion", async (t) => {
  const client = await registry(t, ({ method }, response) => answer(response, method === "HEAD" ? 404 : 500));
  assert.equal(await client.remove("team/onload", "t1"), true);
});

test("challenges as registries write them", () => {
  const quay = 'Bearer realm="https://quay.io/v2/auth",service="quay.io",scope="repository:a/b:pull"';
  assert.deepEqual(challengeIn(quay), {
    kind: "bearer",
    realm: "https://quay.io/v2/auth",
    service: "quay.io",
    scope: "repository:a/b:pull",
  });
  assert.deepEqual(challengeIn('BASIC realm="Sonatype Nexus Repository Manager"'), { kind: "basic" });
  assert.equal(challengeIn(undefined), undefined);
});
