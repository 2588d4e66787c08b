/** The provider's `kubeconfig` input: a path, or the file's contents. */
import { existsSync, readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { type Cluster, KubeConfig } from "@kubernetes/client-node";
import { parse, stringify } from "yaml";

/** Reads the kubeconfig; without one, the user's own (`$KUBECONFIG`, `~/.kube/config`). Throws on what isn't one. */
export function loadKubeconfig(pathOrContents: string, context: string): KubeConfig {
  const config = new KubeConfig();
  if (pathOrContents === "") config.loadFromDefault();
  else config.loadFromString(withTokens(contentsOf(pathOrContents)));
  if (context !== "") config.setCurrentContext(context);
  if (config.getCurrentCluster() === null) {
    throw new Error(`context "${config.getCurrentContext()}" does not exist or names no cluster`);
  }
  return config;
}

/** client-go takes a token from the file that `tokenFile` names, absolute as its users have it; the client used here doesn't. */
function withTokens(contents: string): string {
  const config = parse(contents) as { users?: { user?: { token?: string; tokenFile?: string } }[] } | null;
  const users = (config?.users ?? []).flatMap(({ user }) => user ?? []);
  const named = users.filter(({ tokenFile }) => tokenFile !== undefined);
  if (named.length === 0) return contents;
  for (const user of named) user.token = readFileSync(user.tokenFile ?? "", "utf8").trim();
  return stringify(config);
}

function contentsOf(pathOrContents: string): string {
  const file = pathOrContents.replace(/^~(?=$|\/)/, os.homedir());
  return existsSync(path.resolve(file)) ? readFileSync(path.resolve(file), "utf8") : pathOrContents;
}

/** The namespace of the current context: where objects go that name none. */
export function defaultNamespace(config: KubeConfig): string {
  return config.getContextObject(config.getCurrentContext())?.namespace ?? "default";
}

/** The cluster that a kubeconfig and a context lead to, or nothing when they lead nowhere. */
export function activeCluster(pathOrContents: string, context: string): Cluster | undefined {
  try {
    return loadKubeconfig(pathOrContents, context).getCurrentCluster() ?? undefined;
  } catch {
    return undefined;
  }
}
