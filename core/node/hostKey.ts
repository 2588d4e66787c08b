import { createHash } from "node:crypto";

/** Types of SSH host keys that the configuration takes, the one to choose first. */
export const hostKeyTypes = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "ssh-rsa",
] as const;

/** The keys in public key files' text, as the configuration has them: type and key, without comment, the best first. */
export function parseHostKeys(text: string): string[] {
  const lines = text.split("\n").map((line) => /^(?<type>\S+) (?<key>[A-Za-z0-9+/]+={0,2})(?:\s|$)/.exec(line)?.groups);
  return hostKeyTypes.flatMap((wanted) =>
    lines.flatMap((line) => (line?.["type"] === wanted ? [`${wanted} ${line["key"] ?? ""}`] : [])),
  );
}

/** As `ssh-keygen -l` shows it: SHA-256 of the key in base64, without padding. */
export function fingerprint(hostKey: string): string {
  const key = Buffer.from(hostKey.split(" ")[1] ?? "", "base64");
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}

/** A key for people: its type and fingerprint. */
export const shownKey = (hostKey: string): string => `${hostKey.split(" ")[0] ?? ""} ${fingerprint(hostKey)}`;

/** The key that stands for a configured one on a node that has these: of the same type where it has one. */
export function counterpart(configured: string, found: readonly string[]): string | undefined {
  const type = configured.split(" ")[0];
  return found.find((key) => key.split(" ")[0] === type) ?? found[0];
}
