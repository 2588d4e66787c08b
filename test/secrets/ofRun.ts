/** Every secret of a run on the sandbox: one list for all places that are searched. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import type { Sandbox } from "@onload-kmm/sandbox/sandbox";
import type { Secret } from "./forms.ts";
import { Search } from "./search.ts";

/**
 * Files that are a secret's own, or whoever keeps it for its owner: etcd has the cluster's Secrets, the engine's event logs what
 * docs/secrets.md warns of, and bmc.json is the BMCs' own.
 */
export const atHome =
  /\/etcd\/|\/events-\d+\.json$|\/ssh\/id_ed25519$|\/kubeconfig$|\/tokens\.csv$|\/passphrase$|\/bmc\.json$/;

interface ClusterSecret {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

/**
 * Secrets as far as they exist yet: those that the test gave, and what the sandbox, its cluster and its Secrets hold.
 * @param given by name: passwords in the stack's configuration, its passphrase
 */
export async function secretsOfRun(sandbox: Sandbox, given: Readonly<Record<string, string>>): Promise<Secret[]> {
  const [key, kubeconfig, list] = await Promise.all([
    readFile(join(sandbox.dir, "ssh", "id_ed25519"), "utf8"),
    readFile(sandbox.kubeconfig, "utf8"),
    sandbox.kubectl(["get", "secrets", "--all-namespaces", "-o", "json"]),
  ]);
  const { users } = parse(kubeconfig) as { users: { user: { token: string } }[] };
  const { items } = JSON.parse(list) as { items: ClusterSecret[] };
  const all: Secret[] = [
    ...Object.entries(given).map(([name, value]) => ({ name, value })),
    { name: "SSH key", value: key },
    ...users.map(({ user }) => ({ name: "kubeconfig's token", value: user.token })),
    ...items.flatMap(inClusterSecret),
  ];
  return [...new Map(all.map((each) => [`${each.name} ${each.value}`, each])).values()];
}

/** A search for them that grows with the run. */
export function searchOfRun(sandbox: Sandbox, given: Readonly<Record<string, string>>): () => Promise<Search> {
  let last: { readonly of: string; readonly search: Search } | undefined;
  return async () => {
    const secrets = await secretsOfRun(sandbox, given);
    const of = JSON.stringify(secrets);
    if (last?.of !== of) last = { of, search: new Search(secrets) };
    return last.search;
  };
}

/** What of a cluster's Secret is secret. A certificate beside a key isn't. */
function inClusterSecret({ data = {} }: ClusterSecret): Secret[] {
  const text = (key: string): string[] =>
    data[key] === undefined ? [] : [Buffer.from(data[key], "base64").toString()];
  return [
    ...text("key").map((value) => ({ name: "signing key", value })),
    ...text("entitlement-key.pem").map((value) => ({ name: "entitlement key", value })),
    ...text("token").map((value) => ({ name: "ServiceAccount's token", value })),
    ...text(".dockerconfigjson").flatMap(inDockerConfig),
  ];
}

/** A registry's login as Docker's configuration has it: `user:password` in base64. */
function inDockerConfig(text: string): Secret[] {
  const { auths = {} } = JSON.parse(text) as { auths?: Record<string, { auth?: string }> };
  return Object.values(auths).flatMap(({ auth = "" }) => {
    const password = Buffer.from(auth, "base64")
      .toString()
      .replace(/^[^:]*:/, "");
    return [
      { name: "registry's login", value: auth },
      { name: "registry's password", value: password },
    ];
  });
}
