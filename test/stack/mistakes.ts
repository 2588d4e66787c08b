/** The mistakes that people make in a configuration, and what they are told: read by mistakes.test.ts. */

/** What a message holds in one place. */
type Held = string | RegExp;

export interface Mistake {
  readonly what: string;
  /** What the user wrote, in YAML, by the key as messages name it; `$NAME` is the path of the file of that name, `@KEY` the value of that key. */
  readonly wrote?: Readonly<Record<string, string>>;
  /** PEMs, by file, that the user gave to `pulumi config set` on stdin. */
  readonly gave?: { readonly signingKey: string; readonly signingCertificate?: string };
  /** Which key it is about. */
  readonly key: Held;
  readonly found: Held;
  readonly expected: Held;
  /** How to put it right. */
  readonly remedy: Held;
  /** It isn't refused: the program says it, and goes on. */
  readonly isWarning?: boolean;
}

const existing = { "signing.source": "existing" };

/** A node's name of the sandbox's, and the key of another one. */
const anotherHostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEuzYHNfXXYjZkedIAWraYXjMjgebJFr//kBK/JULeac";

/** The trial of 25 November 2026, a row each, in its order; `no sandbox` has a test of its own. */
export const trial: readonly Mistake[] = [
  {
    what: "nodes a string",
    wrote: { nodes: "worker-1" },
    key: "onload-kmm:nodes: ",
    found: 'found "worker-1"',
    expected: "expected a list of nodes, the canary first",
    remedy: "[{name, address, hostKey}, …]",
  },
  {
    what: "maxParalel",
    wrote: { "rollout.maxParalel": "2" },
    key: "onload-kmm:rollout.maxParalel: ",
    found: "unknown key",
    expected: "did you mean maxParallel?",
    remedy: "Correct the spelling",
  },
  {
    what: "enrollment",
    wrote: { enrollment: "{ mode: off }" },
    key: "onload-kmm:enrollment: ",
    found: "unknown key",
    expected: "did you mean enrolment?",
    remedy: "Correct the spelling",
  },
  {
    what: "zip missing",
    wrote: { "release.package": "releases/none.zip" },
    key: "onload-kmm:release.package: ",
    found: 'found "releases/none.zip": no such file',
    expected: "expected AMD's release package (a .zip) or the .src.rpm",
    remedy: "by a path relative to the project's directory",
  },
  {
    what: "wrong sha",
    wrote: { "release.sha256": `"${"0".repeat(64)}"` },
    key: "onload-kmm:release.sha256: ",
    found: `found "${"0".repeat(64)}"`,
    expected: /expected "[0-9a-f]{64}", the SHA-256 of \S+\.zip/,
    remedy: /`pulumi config set --path onload-kmm:release\.sha256 [0-9a-f]{64}`/,
  },
  {
    what: "duplicate node",
    wrote: { "nodes[1].name": "worker-1" },
    key: "onload-kmm:nodes[1].name: ",
    found: 'found "worker-1"',
    expected: "expected each node once in the list",
    remedy: "nodes[0] is it, too",
  },
  {
    what: "hostKey with hostname",
    wrote: { "nodes[0].hostKey": `worker-1 ${anotherHostKey}` },
    key: "onload-kmm:nodes[0].hostKey: ",
    found: `found "worker-1 ${anotherHostKey}"`,
    expected: "expected the type and key that `ssh-keyscan` prints after the host's name",
    remedy: `leave out all but type and key: "${anotherHostKey}"`,
  },
  {
    what: "other host's key",
    wrote: { "nodes[0].hostKey": anotherHostKey },
    key: /^worker-1: its SSH host key .* hostKey in onload-kmm:nodes/,
    found: /It shows SHA256:[A-Za-z0-9+/]{43},/,
    expected: /configured is SHA256:[A-Za-z0-9+/]{43}\./,
    remedy: "Find out why it changed before you change the node's hostKey",
  },
  {
    what: "unknown node",
    wrote: { "nodes[0].name": "worker-9" },
    key: "onload-kmm:nodes[0].name: ",
    found: 'found "worker-9"',
    expected: "expected a node of the cluster: ",
    remedy: "worker-1, worker-2, worker-3",
  },
  {
    what: "wrong context",
    wrote: { "cluster.context": "prod" },
    key: "onload-kmm:cluster.context: ",
    found: 'found "prod"',
    expected: /expected one of the contexts in \S+kubeconfig/,
    remedy: ": sandbox",
  },
  {
    what: "wrong cluster.id",
    wrote: { "cluster.id": "7d1f3c52-0e7a-4b1c-9a53-6c1f0c9d2e11" },
    key: "onload-kmm:cluster.id is 7d1f3c52-0e7a-4b1c-9a53-6c1f0c9d2e11",
    found: /context "sandbox" of \S+ leads to the cluster [0-9a-f-]{36}/,
    expected: "wrong cluster",
    remedy: /`pulumi config set --path onload-kmm:cluster\.id [0-9a-f-]{36}`/,
  },
  {
    what: "IPv6 bare",
    wrote: { "nodes[0].address": "fd00::11" },
    key: "onload-kmm:nodes[0].address: ",
    found: 'found "fd00::11"',
    expected: "expected the host for SSH",
    remedy: "an IPv6 address stands in brackets: [fd00::11]",
  },
  {
    what: "Worker-1",
    wrote: { "nodes[0].name": "Worker-1" },
    key: "onload-kmm:nodes[0].name: ",
    found: 'found "Worker-1"',
    expected: "as `kubectl get nodes` lists it",
    remedy: "Kubernetes has names in lower case: worker-1",
  },
  {
    what: "version 9.0 (number)",
    wrote: { "release.version": "9.0" },
    key: "onload-kmm:release.version: ",
    found: "found 9,",
    expected: "expected the version in the .src.rpm's name",
    remedy: "put it in quotes",
  },
  {
    what: "namespace 12345 (live stack)",
    wrote: { namespace: '"12345"' },
    key: "onload-kmm:namespace: ",
    found: 'found "12345"',
    expected: 'the stack "dev" lives in onload-kmm',
    remedy: "Set it back, or run `pulumi destroy` with the old one first",
  },
  {
    what: "empty list",
    wrote: { nodes: "[]" },
    key: "onload-kmm:nodes: ",
    found: "found []",
    expected: "expected at least one node",
    remedy: "`npm run init -- STACK --write new-nodes`",
  },
  {
    what: "`nodes:` null",
    wrote: { nodes: "" },
    key: "onload-kmm:nodes: ",
    found: "found nothing",
    expected: "expected a list of nodes, the canary first",
    remedy: "[{name, address, hostKey}, …]",
  },
  {
    what: "SSH key file missing",
    wrote: { "ssh.privateKeyFile": "no/such/key" },
    key: "onload-kmm:ssh.privateKeyFile: ",
    found: 'found "no/such/key": no such file',
    expected: "expected the file of a private key without passphrase",
    remedy: "agent: true",
  },
  {
    what: "SSH key encrypted",
    wrote: { "ssh.privateKeyFile": "$ssh-locked" },
    key: "onload-kmm:ssh.privateKeyFile: ",
    found: /found "\S+": it has a passphrase/,
    expected: "expected the file of a private key without passphrase",
    remedy: "agent: true",
  },
  {
    what: "wrong SSH key",
    wrote: { "ssh.privateKeyFile": "$ssh-other" },
    key: "onload-kmm:ssh",
    found: "worker-1, worker-2, worker-3: core may not log in",
    expected: "authorized keys",
    remedy: "check onload-kmm:ssh",
  },
  {
    what: '`maxParallel: "2"`',
    wrote: { "rollout.maxParallel": '"2"' },
    key: "onload-kmm:rollout.maxParallel: ",
    found: 'found "2"',
    expected: "expected how many nodes may be out of service at once, 1 to 10000",
    remedy: "write it without quotes: 2",
  },
  {
    what: "encrypted signing key",
    wrote: existing,
    gave: { signingKey: "locked.pem", signingCertificate: "good.crt" },
    key: "onload-kmm:signingKey: ",
    found: "found a value that is kept secret",
    expected: "expected an unencrypted private key in PEM",
    remedy: "`openssl pkey -in KEY -out PLAIN`",
  },
  {
    what: "cert of another key",
    wrote: existing,
    gave: { signingKey: "good.pem", signingCertificate: "other.crt" },
    key: "onload-kmm:signingCertificate: ",
    found: /found the certificate of CN=test with SHA-256 fingerprint ([0-9A-F]{2}:){31}[0-9A-F]{2},/,
    expected: "expected the certificate of signingKey: their public keys differ",
    remedy: "`openssl x509 -noout -pubkey -in CERT`",
  },
  {
    what: "expired cert",
    wrote: existing,
    gave: { signingKey: "good.pem", signingCertificate: "good.crt" },
    key: "onload-kmm:signingCertificate: ",
    found: "the certificate of CN=test expired on Jan  2 00:00:00 2025 GMT",
    expected: "kernels don't look at the date",
    remedy: "so nothing breaks",
    isWarning: true,
  },
  {
    what: "EC key",
    wrote: existing,
    gave: { signingKey: "ec.pem", signingCertificate: "good.crt" },
    key: "onload-kmm:signingKey: ",
    found: "found a value that is kept secret",
    expected: "expected an RSA key of 2048 bits or more, not ec",
    remedy: "`openssl req -x509 -newkey rsa:4096",
  },
  {
    what: "plain mokPassword",
    wrote: { mokPassword: "hunter2hunter2" },
    key: "onload-kmm:mokPassword: ",
    found: "found in plain text",
    expected: "set it again",
    remedy: "`pulumi config set --secret onload-kmm:mokPassword`",
  },
];

/** Mistakes of the same kinds, which nobody made in the trial. */
export const others: readonly Mistake[] = [
  {
    what: "a kubeconfig that isn't there",
    wrote: { "cluster.kubeconfig": "/no/such/kubeconfig" },
    key: "onload-kmm:cluster.kubeconfig: ",
    found: 'found "/no/such/kubeconfig": no such file',
    expected: "expected the path of a kubeconfig file",
    remedy: "a relative one begins in the project's directory",
  },
  {
    what: "a context's key misspelt",
    wrote: { "cluster.contxt": "sandbox" },
    key: "onload-kmm:cluster.contxt: ",
    found: "unknown key",
    expected: "did you mean context?",
    remedy: "`pulumi config rm --path`",
  },
  {
    what: "an address twice",
    wrote: { "nodes[1].address": "@nodes[0].address" },
    key: "onload-kmm:nodes[1].address: ",
    found: /found "127\.0\.0\.1:\d+"/,
    expected: "expected each node's own address",
    remedy: "nodes[0] has this one, too",
  },
  {
    what: "the public half of the SSH key",
    wrote: { "ssh.privateKeyFile": "$ssh-other.pub" },
    key: "onload-kmm:ssh.privateKeyFile: ",
    found: /found "\S+": it holds a public key/,
    expected: "expected the file of a private key",
    remedy: "agent: true",
  },
  {
    what: "key and certificate in each other's place",
    wrote: existing,
    gave: { signingKey: "good.pem", signingCertificate: "good.pem" },
    key: "onload-kmm:signingCertificate: ",
    found: "found a private key,",
    expected: "expected a certificate in PEM",
    remedy: "`openssl x509 -inform DER",
  },
  {
    what: "a path in the place of a certificate",
    wrote: { ...existing, signingCertificate: "certs/signing.crt" },
    gave: { signingKey: "good.pem" },
    key: "onload-kmm:signingCertificate: ",
    found: 'found "certs/signing.crt"',
    expected: "expected a certificate in PEM",
    remedy: "the file's content and not its path",
  },
];
