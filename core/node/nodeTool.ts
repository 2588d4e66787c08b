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

/** Lines `name=value` as the tools read them. */
export function toolInput(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}

/** A certificate as the tools take it: base64 of its DER, which is a PEM's body on one line. */
export const certificateInput = (pem: string): string => pem.replace(/-----[^-]+-----/g, "").replace(/\s/g, "");

/** A POSIX shell's single-quoted word. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
