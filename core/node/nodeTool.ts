/** The on-node tools (assets/node): how their text and their input go to a node. */
import { nodeToolSeconds } from "../patience.ts";

export type NodeTool = "state" | "import" | "revoke" | "delete" | "reboot" | "driver" | "users";

/**
 * The command line that runs a tool on a node: the tool's whole text is in it, so nothing is copied to the node. Secrets
 * are not: they come on stdin, see {@link toolInput}.
 *
 * @param library text of assets/node/lib.sh
 * @param tool text of the tool
 * @param timeoutSeconds after which it is ended
 */
export function toolCommand(library: string, tool: string, timeoutSeconds = nodeToolSeconds): string {
  return `timeout ${timeoutSeconds} sh -c ${quoted(`${library}\n${tool}`)}`;
}

/**
 * Lines `name=value` as the tools read them.
 *
 * @throws Error for a value of several lines, which would be several values
 */
export function toolInput(values: Readonly<Record<string, string>>): string {
  for (const [name, value] of Object.entries(values)) {
    if (/[\n\0]/.test(value)) throw new Error(`the value of ${name} for a tool on the node has more than one line`);
  }
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}

/**
 * A certificate as the tools take it: base64 of its DER. Of a PEM with words around it, or with further certificates, the
 * first certificate counts, as everywhere else. Empty for none.
 */
export const certificateInput = (pem: string): string => (firstCertificate.exec(pem)?.[1] ?? "").replace(/\s/g, "");

const firstCertificate = /-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/;

/** A POSIX shell's single-quoted word. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
