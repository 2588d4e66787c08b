import assert from "node:assert/strict";
import { createServer, type AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import {
  isObject,
  mapValues,
  type PropertyMap,
  reveal,
  secret,
  type Value,
} from "../../../sandbox/plugins/core/values.ts";
import { asStored, comparable } from "./comparable.ts";
import { ProviderClient, type ResourceName } from "./providerClient.ts";
import { recorded } from "./recorded.ts";
import { type SshHost, startSshHost } from "./sshServer.ts";

const REMOTE: ResourceName = { type: "command:remote:Command", name: "remote" };

/** Differs between the recording's host and ours; stdin was a certificate and a hash. */
const VOLATILE = { "connection.port": /^\d+$/, "connection.hostKey": /^ssh-ed25519 [A-Za-z0-9+/]+=*$/ };

describe("remote.Command", () => {
  let provider: ProviderClient;
  let host: SshHost;

  before(async () => {
    [provider, host] = await Promise.all([ProviderClient.start("command"), startSshHost()]);
  });
  after(async () => {
    await provider.stop();
    await host.stop();
  });

  const connection = (changes: PropertyMap = {}): Value => ({
    host: "127.0.0.1",
    port: host.port,
    hostKey: host.hostKey,
    privateKey: secret(host.privateKey),
    dialErrorLimit: 1,
    ...changes,
  });
  const quiet = { logging: "none", addPreviousOutputInEnv: false };

  test("stores what the real plugin stored", async () => {
    const real = recorded(REMOTE.type);
    const given = reveal(real.inputs["connection"] ?? null);
    assert.ok(isObject(given));
    const ours = { ...given, port: host.port, hostKey: host.hostKey, privateKey: secret(host.privateKey) };
    const inputs = { ...real.inputs, connection: secret(ours) };
    const checked = await provider.check(REMOTE, inputs);
    assert.deepEqual(checked.failures, []);
    assert.deepEqual(comparable(checked.inputs, VOLATILE), comparable(real.inputs, VOLATILE));
    const made = await provider.create(REMOTE, checked.inputs);
    assert.match(made.id, /^remote[0-9a-f]{8}$/);
    const stored = asStored(made.outputs, real.additionalSecretOutputs);
    assert.deepEqual(comparable(stored, VOLATILE), comparable(real.outputs, VOLATILE));
  });

  test("fills in the connection's defaults and hides it with its credentials", async () => {
    const { inputs } = await provider.check(REMOTE, { ...quiet, connection: { host: "h", password: "p" } });
    assert.deepEqual(
      inputs["connection"],
      secret({ dialErrorLimit: 10, perDialTimeout: 15, port: 22, user: "root", host: "h", password: secret("p") }),
    );
  });

  test("runs on the host with stdin, and fails with the text of command and output", async () => {
    const made = await provider.make(REMOTE, {
      ...quiet,
      connection: connection(),
      create: "cat; echo x >&2",
      stdin: "in",
    });
    assert.deepEqual([made.outputs["stdout"], made.outputs["stderr"]], ["in", "x"]);
    await assert.rejects(
      provider.make(REMOTE, { ...quiet, connection: connection(), create: "echo no; exit 7", stdin: "hidden" }),
      { message: 'Process exited with status 7: running "echo no; exit 7":\nno\n' },
    );
  });

  test("refuses a host with another key, after as many attempts as dialErrorLimit says", async () => {
    const other = await startSshHost();
    await other.stop();
    const before = host.connections();
    await assert.rejects(
      provider.make(REMOTE, { ...quiet, connection: connection({ hostKey: other.hostKey }), create: "true" }),
      { message: "after 1 failed attempts: ssh: handshake failed: ssh: host key mismatch" },
    );
    assert.equal(host.connections() - before, 2);
  });

  test("doesn't check the host without hostKey, as the real plugin", async () => {
    const rest = mapValues(connection() as PropertyMap, (value, key) => (key === "hostKey" ? undefined : value));
    const made = await provider.make(REMOTE, { ...quiet, connection: rest, create: "echo trusted" });
    assert.equal(made.outputs["stdout"], "trusted");
  });

  test("says why it can't log in, and that nobody answers", async () => {
    const stranger = await startSshHost();
    await stranger.stop();
    const wrongKey = connection({ privateKey: stranger.privateKey, dialErrorLimit: 0 });
    await assert.rejects(provider.make(REMOTE, { ...quiet, connection: wrongKey, create: "true" }), {
      message:
        "after 0 failed attempts: ssh: handshake failed: ssh: unable to authenticate, " +
        "attempted methods [none publickey], no supported methods remain",
    });
    const closed = await closedPort();
    await assert.rejects(
      provider.make(REMOTE, { ...quiet, connection: connection({ port: closed }), create: "true" }),
      {
        message: `after 1 failed attempts: dial tcp 127.0.0.1:${closed}: connect: connection refused`,
      },
    );
  });

  test("stops knocking when the deployment is cancelled", async () => {
    const patient = await ProviderClient.start("command");
    try {
      const unreachable = connection({ port: await closedPort(), dialErrorLimit: -1 });
      const running = patient.make(REMOTE, { ...quiet, connection: unreachable, create: "true" });
      const outcome = assert.rejects(running, { message: "context canceled" });
      await patient.plugin.said("Dial 1/inf failed: retrying");
      await patient.cancel();
      await outcome;
    } finally {
      await patient.stop();
    }
  });

  test("deletes with the stored connection", async () => {
    const made = await provider.make(REMOTE, { ...quiet, connection: connection(), create: "true", delete: "exit 4" });
    await assert.rejects(provider.delete(REMOTE, made), { message: /^Process exited with status 4/ });
  });

  test("refuses by name what it doesn't do", async () => {
    const { failures } = await provider.check(REMOTE, {
      connection: { host: "h", proxy: { host: "p" }, shoe: 1 },
      environment: { A: "1" },
    });
    assert.deepEqual(failures, [
      "environment: the stand-in for pulumi-resource-command does not do environment",
      "connection.proxy: the stand-in for pulumi-resource-command does not do proxy",
      "connection.shoe: unexpected input",
      "addPreviousOutputInEnv: the stand-in for remote.Command does not pass the previous output on: set it to false",
    ]);
    assert.deepEqual((await provider.check(REMOTE, { ...quiet })).failures, ["connection: is required"]);
  });
});

/** A loopback port on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
