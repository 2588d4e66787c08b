import ssh from "ssh2";

/** Kinds of keys by which SSH servers of RHEL 8 and later let somebody in. DSA ended with OpenSSH 7.0. */
const usable = ["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"];

/**
 * Why no step can log in with this key file's text; undefined when the key is one that the program's own client can use, the
 * only one there is. A key with a passphrase, or on a security key (`sk-…`), can be used through the agent.
 */
export function privateKeyProblem(text: string): string | undefined {
  const parsed = ssh.utils.parseKey(text);
  if (parsed instanceof Error) return inWords(parsed.message);
  const [key] = [parsed].flat();
  if (key === undefined || !key.isPrivateKey()) return "it holds a public key";
  if (!usable.includes(key.type)) return `SSH servers no longer accept keys of type ${key.type}`;
  return undefined;
}

/** What the client says of a key file, which quotes nothing of the key. */
function inWords(message: string): string {
  if (message.startsWith("Encrypted ")) return "it has a passphrase";
  return /^Unsupported key format/.test(message) ? "it isn't a private key of a kind that servers take" : message;
}

/** Why there is no agent to log in by. */
export const agentProblem = (socket: string | undefined): string | undefined =>
  socket === undefined || socket === ""
    ? "SSH_AUTH_SOCK isn't set where Pulumi runs: start an agent (`eval $(ssh-agent)`) and add the key to it (`ssh-add`)"
    : undefined;
