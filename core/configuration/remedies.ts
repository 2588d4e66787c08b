import { X509Certificate } from "node:crypto";
import { z } from "zod";
import { excerpt, shownValue } from "../text.ts";

/*
 * The mistakes that people make with a value, each with its own way out: said beside what was expected, because that alone
 * leaves them guessing (YAML's quotes, a host key with its host, a bare IPv6 address).
 */

/** Longest value that is looked at for a way out, in characters: a mistake of this kind is short, and expressions take time. */
const longestMistake = 2000;

/** How to put a wrong value right, as the end of a sentence; undefined where nothing more than the expectation is known. */
export function remedyFor(path: readonly PropertyKey[], value: unknown, wantedType?: string): string | undefined {
  if (typeof value === "string" && value.length > longestMistake) return undefined;
  return ofType(value, wantedType) ?? ofKey(String(path.at(-1)), value);
}

/** YAML makes a number of 9.0, and a text of "2". */
function ofType(value: unknown, wanted: string | undefined): string | undefined {
  if (typeof value === "number" && wanted === "string")
    return `put it in quotes: "${value}" (YAML drops a zero at its end)`;
  if (typeof value !== "string") return undefined;
  const isNumber = value.trim() !== "" && Number.isFinite(Number(value));
  if ((wanted === "number" || wanted === "int") && isNumber) return `write it without quotes: ${value}`;
  if (wanted !== "boolean") return undefined;
  const meant = { true: "true", yes: "true", on: "true", false: "false", no: "false", off: "false" }[
    value.toLowerCase()
  ];
  return meant === undefined ? undefined : `write ${meant}, without quotes`;
}

function ofKey(key: string, value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  switch (key) {
    case "name":
      return value === value.toLowerCase() ? undefined : `Kubernetes has names in lower case: ${value.toLowerCase()}`;
    case "address":
      return ofAddress(value);
    case "version":
      return ofVersion(value);
    case "hostKey":
      return ofHostKey(value);
    case "sha256":
      return /^[0-9A-Fa-f]{64}$/.test(value) ? `in lower case: ${value.toLowerCase()}` : undefined;
    default:
      return undefined;
  }
}

const ofVersion = (value: string): string | undefined =>
  /^v\d/i.test(value) ? `without the v: ${value.slice(1)}` : undefined;

function ofHostKey(value: string): string | undefined {
  if (value.includes("ssh-dss")) return "DSA keys are no longer accepted: take the node's ssh-ed25519 key";
  const [key] = /\b(?:ssh|ecdsa)-\S+ [A-Za-z0-9+/]+=*/.exec(value) ?? [];
  return key === undefined || key === value ? undefined : `leave out all but type and key: "${key}"`;
}

function ofAddress(value: string): string | undefined {
  if (value.includes("@"))
    return `the user belongs into onload-kmm:ssh.user: ${value.slice(value.lastIndexOf("@") + 1)}`;
  if (!z.ipv6().safeParse(value).success) return undefined;
  const [, host = "", port] = /^(.*[^:]):(\d{2,5})$/.exec(value) ?? [];
  const isWithPort = port !== undefined && z.ipv6().safeParse(host).success;
  return `an IPv6 address stands in brackets: [${value}]${isWithPort ? `, or with a port [${host}]:${port}` : ""}`;
}

/** Characters of a certificate's subject that a message shows. */
const longestSubject = 300;

/**
 * A value as a message shows it: a certificate by what a person can compare, and a private key, which somebody put into a
 * wrong place, not at all.
 */
export function shown(value: unknown): string {
  if (value === null) return "nothing";
  if (typeof value === "string" && value.includes("PRIVATE KEY-----")) return "a private key";
  if (typeof value === "string" && value.includes("-----BEGIN CERTIFICATE-----")) {
    try {
      const { subject, fingerprint256 } = new X509Certificate(value);
      return `the certificate of ${excerpt(subject.replaceAll("\n", ", "), longestSubject)} with SHA-256 fingerprint ${fingerprint256}`;
    } catch {
      return "a certificate in PEM that can't be read";
    }
  }
  return shownValue(value);
}
