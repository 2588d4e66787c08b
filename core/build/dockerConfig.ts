/**
 * Credentials for registries as Secrets of type `kubernetes.io/dockerconfigjson` hold them (Kubernetes, "Pull an Image from
 * a Private Registry"). No error here quotes the text: it is secret.
 */
import { z } from "zod";

/** The type of such a Secret, and its key. */
export const dockerConfigType = "kubernetes.io/dockerconfigjson";
export const dockerConfigKey = ".dockerconfigjson";

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

const entry = z.looseObject({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
});
const dockerConfig = z.object({ auths: z.record(z.string(), entry) });

/** Entries by what they are for: a registry's host, or a repository in it. Undefined for any other text. */
function parseDockerConfig(text: string): z.infer<typeof dockerConfig>["auths"] | undefined {
  try {
    return dockerConfig.parse(JSON.parse(text)).auths;
  } catch {
    return undefined;
  }
}

/** One text with the entries of all; later ones override earlier ones. Any other text counts as empty. */
export const mergeDockerConfigs = (texts: readonly string[]): string =>
  JSON.stringify({ auths: Object.assign({}, ...texts.map((text) => parseDockerConfig(text))) as object });

/**
 * The entry for a repository: the most specific one, as container runtimes choose
 * (containers-auth.json(5), "AUTHORITY").
 */
export function credentialsFor(repository: string, text: string): Credentials | undefined {
  const auths = parseDockerConfig(text) ?? {};
  const parts = repository.split("/");
  for (let length = parts.length; length > 0; length -= 1) {
    const place = parts.slice(0, length).join("/");
    const found = Object.entries(auths).find(([key]) => placeOf(key) === place);
    const credentials = found && credentialsIn(found[1]);
    if (credentials !== undefined) return credentials;
  }
  return undefined;
}

/** Docker writes some hosts as URLs. */
const placeOf = (key: string): string => key.replace(/^https?:\/\//, "").replace(/\/(v[12]\/?)?$/, "");

function credentialsIn({ auth, username, password }: z.infer<typeof entry>): Credentials | undefined {
  if (auth === undefined) return username && password ? { user: username, password } : undefined;
  const [, user, secret] = /^([^:]+):(.+)$/s.exec(Buffer.from(auth, "base64").toString("utf8")) ?? [];
  return user === undefined || secret === undefined ? undefined : { user, password: secret };
}
