import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ProviderClient, type ResourceName } from "./providerClient.ts";
import { recorded } from "./recorded.ts";

const REMOTE: ResourceName = { type: "command:remote:Command", name: "remote" };

describe("remote.Command", () => {
  let provider: ProviderClient;

  before(async () => {
    provider = await ProviderClient.start("command");
  });
  after(() => provider.stop());

  test("one that an older program made can be deleted, and nobody is asked for that", async () => {
    const { id, inputs, outputs } = recorded(REMOTE.type);
    // Unlike the recording, the program gave it no delete. The recorded host is long gone.
    const stored = Object.fromEntries(Object.entries(outputs).filter(([name]) => name !== "delete"));
    await provider.delete(REMOTE, { id, inputs, outputs: stored });
  });

  test("one with a command for its deletion is refused: it would not be run", async () => {
    const { id, inputs, outputs } = recorded(REMOTE.type);
    assert.equal(outputs["delete"], "true");
    await assert.rejects(provider.delete(REMOTE, { id, inputs, outputs }), {
      message: /only forgets remote commands that a state still has, not those with a delete$/,
    });
  });

  test("making one is refused by name", async () => {
    const { inputs } = recorded(REMOTE.type);
    const { failures } = await provider.check(REMOTE, inputs);
    assert.deepEqual(failures.length, 1);
    assert.match(failures[0] ?? "", /pulumi-resource-command only forgets remote commands/);
    await assert.rejects(provider.create(REMOTE, inputs), { message: /only forgets remote commands/ });
  });
});
