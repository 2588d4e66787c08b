import type { Sandbox } from "@onload-kmm/sandbox/sandbox";
import { leaksInText, type Leak } from "./places.ts";
import type { Search } from "./search.ts";

interface Named {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** Secrets in objects of every other kind: specs, annotations, events, status. */
export async function leaksInCluster(sandbox: Pick<Sandbox, "kubectl">, search: Search): Promise<Leak[]> {
  const kinds = (await sandbox.kubectl(["api-resources", "--verbs=list", "-o", "name"])).split("\n");
  const others = kinds.filter((kind) => kind !== "" && kind !== "secrets");
  const list = await sandbox.kubectl(["get", others.join(","), "--all-namespaces", "-o", "json"]);
  const { items } = JSON.parse(list) as { items: Named[] };
  return items.flatMap((object) => leaksInText(nameOf(object), JSON.stringify(object), search));
}

const nameOf = ({ kind, metadata: { namespace, name } }: Named): string =>
  [kind, ...(namespace === undefined ? [] : [namespace]), name].join("/");
