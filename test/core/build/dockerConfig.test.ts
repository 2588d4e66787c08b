import assert from "node:assert/strict";
import { test } from "node:test";
import { credentialsFor, mergeDockerConfigs } from "../../../core/build/dockerConfig.ts";

const auth = (user: string, password: string) => ({ auth: Buffer.from(`${user}:${password}`).toString("base64") });
const text = (auths: object): string => JSON.stringify({ auths });
const repository = "registry.example.com:5000/team/onload";
const whole = text({ "registry.example.com:5000": auth("robot", "a:b") });

for (const [what, config, user] of [
  ["its host and port", whole, "robot"],
  ["its host as a URL", text({ "https://registry.example.com:5000/v2/": auth("url", "p") }), "url"],
  [
    "the repository itself, beside its host",
    text({ "registry.example.com:5000": auth("host", "p"), [repository]: auth("own", "p") }),
    "own",
  ],
  ["user and password apart", text({ "registry.example.com:5000": { username: "apart", password: "p" } }), "apart"],
  ["the host without its port", text({ "registry.example.com": auth("other", "p") }), undefined],
  ["a host that only begins so", text({ "registry.example.com:50001": auth("other", "p") }), undefined],
  ["an entry without password", text({ "registry.example.com:5000": auth("robot", "") }), undefined],
  ["no JSON", "registry", undefined],
  ["the older form without auths", JSON.stringify({ "registry.example.com:5000": auth("old", "p") }), undefined],
] as const) {
  test(`credentials for ${what}: ${user ?? "none"}`, () => {
    assert.equal(credentialsFor(repository, config)?.user, user);
  });
}

test("a password may hold a colon", () => {
  assert.deepEqual(credentialsFor(repository, whole), { user: "robot", password: "a:b" });
});

test("merged, a later entry stands over an earlier one, and what isn't such a text adds nothing", () => {
  const merged = mergeDockerConfigs([text({ a: auth("1", "p"), b: auth("1", "p") }), "?", text({ b: auth("2", "p") })]);
  assert.deepEqual(JSON.parse(merged), { auths: { a: auth("1", "p"), b: auth("2", "p") } });
});
