import { Client, type ConnectConfig } from "ssh2";
import { parseAddress } from "../../core/configuration/address.ts";
import { hostKeyTypes } from "../../core/node/hostKey.ts";
import { hostKeyScanSeconds } from "../../core/patience.ts";
import { StepError } from "../lib/step.ts";

type HostKeyAlgorithm =
  NonNullable<NonNullable<ConnectConfig["algorithms"]>["serverHostKey"]> extends (infer T)[] ? T : never;

/**
 * Asks the SSH server at an address for its host keys, as `ssh-keyscan` does: nobody vouches for the answer.
 *
 * @returns the keys, the best first
 * @throws StepError when it gives none
 */
export async function scanHostKeys(address: string): Promise<string[]> {
  const answers = await Promise.allSettled(hostKeyTypes.map((type) => scan(address, type)));
  const keys = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  if (keys.length > 0) return keys;
  const [first] = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason as Error] : []));
  throw new StepError("OKMM-HOSTKEY-UNREAD", `${address}: no SSH host key (${first?.message ?? "no answer"})`);
}

/** One connection for each type: a server shows one key, of the type that is agreed on. */
function scan(address: string, type: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const client = new Client();
    const algorithms = type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [type];
    client.on("error", reject).on("close", () => reject(new Error("connection closed")));
    client.connect({
      ...parseAddress(address),
      username: "nobody",
      readyTimeout: hostKeyScanSeconds * 1000,
      algorithms: { serverHostKey: algorithms as HostKeyAlgorithm[] },
      hostVerifier: (key: Buffer) => {
        resolve(`${type} ${key.toString("base64")}`);
        // No login is tried.
        return false;
      },
    });
  });
}
