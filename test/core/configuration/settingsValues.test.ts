import assert from "node:assert/strict";
import { shown } from "../../../core/configuration/remedies.ts";
import { test } from "node:test";
import { parseSettings } from "../../../core/configuration/parseSettings.ts";
import { rsaPair } from "./pems.ts";
import { asPulumi, changed, complete, keyAt, least } from "./settings.ts";
import { refusedKeys } from "./stackFile.ts";

const problemsOf = (settings: object, secrets: string[] = []): string[] =>
  parseSettings(asPulumi(settings), (key) => secrets.includes(key)).problems;

const wrong: [path: (string | number)[], values: unknown[], expected: RegExp][] = [
  [["cluster", "kubeconfig"], [""], /the path of a kubeconfig file, for example ~\/\.kube\/prod/],
  [["cluster", "context"], [""], /kubectl config get-contexts/],
  [["cluster", "id"], ["", "prod", "7D1F3C52-0e7a-4b1c-9a53-6c1f0c9d2e11", "7d1f3c52"], /get namespace kube-system/],
  [["namespace"], ["Onload", "-a", "a_b", "kube/system", "7d1f.a"], /a namespace's name: a-z, 0-9 and -/],
  [["release", "package"], ["onload.tgz", "onload.rpm", "dir/"], /a \.zip\) or of the \.src\.rpm/],
  [["release", "sha256"], ["abc", "A".repeat(64), ` ${"0".repeat(64)}`], /64 hexadecimal digits, lower case/],
  [["release", "version"], ["9", "v9.0", "9.0.2.140-1", "9.0 "], /for example 9\.0\.2\.140/],
  [
    ["build", "nextKernels", 0, "kernel"],
    [
      "5.14.0-592.el9.x86_64",
      "6.8.5-301.fc40.x86_64",
      "5.14.0-570.62.1.el9_6.x86_64+zfcpdump",
      "5.14.0-570.62.1.el9_6.s390x",
    ],
    /a kernel that modules can be built for: .*(driver-toolkit|another kernel|isn't built for s390x) \[OKMM-CONFIG-VALUE\]$/,
  ],
  [["build", "strategy"], ["ubi"], /driver-toolkit \(no entitlement needed\) or entitled-ubi/],
  [["build", "kernels"], ["[", "(?=5)", "(?<!5)", "(5)\\1", "\\el9", "[^]", "a**"], /RE2: no look-around/],
  [
    ["build", "baseImage"],
    ["ubi", "registry:5000/ubi", "ubi:latest", "registry:5000/ubi:latest"],
    /a tag other than latest, or a digest/,
  ],
  [
    ["build", "timeoutMinutes"],
    [0, -1, 0.05, 10_001, "5m"],
    /minutes, 0.1 to 10000: the longest that a build may take/,
  ],
  [
    ["registry", "repository"],
    ["onload", "team/onload", "https://registry.example.com/onload", "registry.example.com", "r.example.com/a:1.0"],
    /HOST\[:PORT\]\/PATH of a repository without tag/,
  ],
  [
    ["registry", "pushSecret"],
    ["push", "a/b/c", "openshift-config/", "Openshift/push"],
    /NAMESPACE\/NAME of a Secret of type kubernetes\.io\/dockerconfigjson that may push/,
  ],
  [["registry", "pullSecret"], ["pull"], /NAMESPACE\/NAME of a Secret .* with what else builds pull/],
  [["registry", "caConfigMap"], ["openshift-config/cas", ""], /the name of the ConfigMap in openshift-config/],
  [["rebuild"], [-1, 1.5], /a whole number, 0 or more; raise it to force a rebuild/],
  [["signing", "source"], ["vault"], /generated \(.*\) or existing/],
  [["signing", "subject"], ["", "x".repeat(65)], /1 to 64 characters|at most 64 characters/],
  [["signing", "protect"], ["yes"], /true to make Pulumi refuse to delete the key pair/],
  [["nodes"], [[], {}], /a list of nodes, the canary first|at least one node/],
  [["nodes", 0, "name"], ["Worker-1", "worker_1", "-a", ""], /kubectl get nodes/],
  [["nodes", 0, "address"], ["core@worker", "worker:ssh", "a b", "ssh://w", ""], /the host for SSH, with :port/],
  [
    ["nodes", 0, "hostKey"],
    [
      "AAAA",
      "ssh-dss AAAA",
      "ssh-ed25519-cert-v01@openssh.com AAAA",
      "sk-ssh-ed25519@openssh.com AAAA",
      "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIPFL",
      "worker-0 ssh-ed25519 AAAA",
      "ssh-ed25519 AAAA comment",
      "SHA256:abc",
    ],
    /ssh-keyscan.*check it before you trust it/,
  ],
  [
    ["nodes", 0, "bmc", "url"],
    [
      "worker-0-bmc",
      "http://worker-0-bmc/redfish/v1/Systems/1",
      "https://admin:x@worker-0-bmc/redfish/v1/Systems/1",
      "https://worker-0-bmc/redfish/v1/Systems",
      "https://worker-0-bmc:x/redfish/v1/Systems/1",
      "",
    ],
    /ComputerSystem in its BMC's Redfish service, for example https:\/\/worker-0-bmc\/redfish\/v1\/Systems\/1/,
  ],
  [
    ["nodes", 0, "bmc", "fingerprint"],
    ["0f".repeat(20), "SHA256:abc", "xy".repeat(32), "0f".repeat(33)],
    /openssl x509 -noout -fingerprint -sha256.*check it before you trust it/,
  ],
  [["nodes", 0, "hold"], ["true"], /true to leave the node out of roll-outs/],
  [["ssh"], [{}, { agent: true, privateKeyFile: "k" }, { agent: false }], /either privateKeyFile or `agent: true`/],
  [["enrolment", "mode"], ["auto"], /attended.*operator.*console.*redfish.*off/],
  [["enrolment", "timeoutMinutes"], [0], /how long a node waits for MokManager/],
  [["rollout", "maxParallel"], [0, 1.5, "2"], /how many nodes may be out of service at once/],
  [["rollout", "drainTimeoutMinutes"], [0], /PodDisruptionBudgets respected/],
];

/** Wrong values that the JSON Schema takes: no pattern says what is wrong with them, or another key says it. */
const beyondPatterns: Readonly<Record<string, (value: unknown) => boolean>> = {
  // RE2's syntax.
  "build.kernels": () => true,
  // What the strategy can build for.
  "build.nextKernels[0].kernel": () => true,
  // The key itself names another type.
  "nodes[0].hostKey": (value) => value === "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIPFL",
  // A port that isn't one.
  "nodes[0].bmc.url": (value) => value === "https://worker-0-bmc:x/redfish/v1/Systems/1",
  // One of two ways to log in.
  ssh: () => true,
};

for (const [path, values, expected] of wrong) {
  for (const value of values) {
    test(`${JSON.stringify(value)} isn't taken for ${keyAt(path)}`, () => {
      const [problem = "", ...more] = problemsOf(changed(complete, path, value));
      assert.deepEqual(more, []);
      assert.ok(problem.startsWith(`${keyAt(path)}: found ${JSON.stringify(value)}, expected `), problem);
      assert.match(problem, expected);
      const isBeyond = beyondPatterns[keyAt(path).replace("onload-kmm:", "")]?.(value) === true;
      assert.deepEqual(refusedKeys(changed(complete, path, value)), isBeyond ? [] : [path[0]]);
    });
  }
}

const right: [path: (string | number)[], values: unknown[]][] = [
  [
    ["rollout", "drainTimeoutMinutes"],
    [0.1, 2.5],
  ],
  [["release", "package"], ["onload-9.0.2.140-1.src.rpm"]],
  [
    ["build", "kernels"],
    [".", "^5\\.14\\.0-[0-9]+", "(a|b)+(?:c)?", "\\d{3}\\.el9_6\\.x86_64(\\+rt)?$", "a\\\\1"],
  ],
  [
    ["build", "baseImage"],
    [`ubi@sha256:${"0".repeat(64)}`, "localhost:5000/ubi:9"],
  ],
  [["rebuild"], [0, 20260131]],
  [
    ["nodes", 0, "address"],
    ["10.0.0.1", "worker:2222", "[fd00::1]", "[fd00::1]:22"],
  ],
  [
    ["nodes", 0, "bmc", "url"],
    ["https://[fd00::1]:8443/redfish/v1/Systems/System.Embedded.1", "https://bmc/redfish/v1/systems/1/"],
  ],
  [
    ["nodes", 0, "bmc", "fingerprint"],
    ["0F".repeat(32), "0f".repeat(32)],
  ],
  [
    ["nodes", 0, "hostKey"],
    ["ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY=", "ssh-rsa AAAAB3NzaC1yc2E="],
  ],
];
for (const [path, values] of right) {
  for (const value of values) {
    test(`${JSON.stringify(value)} is taken for ${keyAt(path)}`, () => {
      assert.deepEqual(problemsOf(changed(complete, path, value)), []);
      assert.deepEqual(refusedKeys(changed(complete, path, value)), []);
    });
  }
}

test("a namespace with which KMM would refuse the Module is refused, with the reason", () => {
  assert.deepEqual(problemsOf({ ...least, namespace: "n".repeat(34) }), []);
  assert.deepEqual(problemsOf({ ...least, namespace: "n".repeat(35) }), [
    `onload-kmm:namespace: found "${"n".repeat(35)}", expected at most 34 characters: KMM allows 40 for the namespace ` +
      `and the Module's name ("onload") together [OKMM-CONFIG-VALUE]`,
  ]);
});

test("a node that is listed twice is refused where it is listed again", () => {
  const [node] = least.nodes;
  assert.deepEqual(problemsOf({ ...least, nodes: [node, { ...node, name: "other", address: "10.0.0.2" }, node] }), [
    'onload-kmm:nodes[2].name: found "worker-0", expected each node once in the list; nodes[0] is it, too [OKMM-CONFIG-VALUE]',
  ]);
});

test("a console server's address is a host and a port, IPv6 in brackets", () => {
  for (const console of ["tcp:fd00::1:7001", "tcp:console-1"]) {
    const [problem = "", ...more] = problemsOf({ ...least, nodes: [{ ...least.nodes[0], console }] });
    assert.match(
      problem,
      /^onload-kmm:nodes\[0\]\.console: found "tcp:\S+", expected tcp:HOST:PORT .*tcp:\[fd00::1\]:7001/,
    );
    assert.deepEqual(more, []);
  }
});

test("scripted consoles need to know how to open each node's", () => {
  const nodes = [complete.nodes[0], { ...least.nodes[0], name: "b" }];
  assert.deepEqual(problemsOf({ ...least, nodes, enrolment: { mode: "console" } }), [
    "onload-kmm:nodes[1].console: missing; expected a command that opens the node's serial console, since " +
      "enrolment.mode is console [OKMM-CONFIG-VALUE]",
  ]);
});

const bmcCredentials = { user: "admin", password: "of the BMC" };

test("the way through the BMC needs each node's, and one login for all", () => {
  const nodes = [complete.nodes[0], { ...least.nodes[0], name: "b" }];
  const settings = { ...least, nodes, enrolment: { mode: "redfish" } };
  assert.deepEqual(problemsOf(settings), [
    "onload-kmm:nodes[1].bmc: missing; expected {url, fingerprint} of the node's BMC, since enrolment.mode is redfish; " +
      "see Pulumi.prod.yaml [OKMM-CONFIG-VALUE]",
    "onload-kmm:bmcCredentials: missing; expected {user, password} of the nodes' BMCs, since enrolment.mode is redfish; " +
      "set them with `pulumi config set --path onload-kmm:bmcCredentials.user` and `pulumi config set --secret --path onload-kmm:bmcCredentials.password` [OKMM-CONFIG-VALUE]",
  ]);
  assert.deepEqual(problemsOf({ ...settings, nodes: [complete.nodes[0]], bmcCredentials }, ["bmcCredentials"]), []);
});

test("a BMC's login in plain text is refused, and no part of one is shown", () => {
  assert.deepEqual(problemsOf({ ...least, bmcCredentials }), [
    "onload-kmm:bmcCredentials: found in plain text; set it again with `pulumi config set --secret --path onload-kmm:bmcCredentials.password` [OKMM-CONFIG-PLAINTEXT]",
  ]);
  for (const wrong of [{ user: "a:hunter2", password: "" }, { password: 123456789, user: "" }, "admin:hunter2"]) {
    const problems = problemsOf({ ...least, bmcCredentials: wrong }, ["bmcCredentials"]);
    assert.ok(problems.length > 0);
    for (const problem of problems)
      assert.match(problem, /^onload-kmm:bmcCredentials.*found a value that is kept secret/);
    assert.doesNotMatch(problems.join(), /hunter2|123456789/);
  }
});

test("nothing is said of secrets that are set, but weren't read", () => {
  const unread = ["bmcCredentials", "signingKey"];
  const settings = { ...least, nodes: complete.nodes, enrolment: { mode: "redfish" }, signing: { source: "existing" } };
  const { problems } = parseSettings(asPulumi(settings), () => true, { unread });
  assert.deepEqual(
    problems.map((problem) => problem.split(": ")[0]),
    ["onload-kmm:signingCertificate"],
  );
});

const pair = await rsaPair();
const existing = {
  ...least,
  signing: { source: "existing" },
  signingKey: pair.key,
  signingCertificate: pair.certificate,
};

test("an existing pair in a secret is taken", () => assert.deepEqual(problemsOf(existing, ["signingKey"]), []));

test("secrets in plain text are refused, and how to set them is told", () => {
  assert.deepEqual(problemsOf({ ...existing, mokPassword: "correcthorse" }), [
    "onload-kmm:signingKey: found in plain text; set it again with `pulumi config set --secret onload-kmm:signingKey` [OKMM-CONFIG-PLAINTEXT]",
    "onload-kmm:mokPassword: found in plain text; set it again with `pulumi config set --secret onload-kmm:mokPassword` [OKMM-CONFIG-PLAINTEXT]",
  ]);
});

test("a pair that nobody asked for is refused, whether signing is absent, empty or says generated", () => {
  for (const signing of [undefined, {}, { source: "generated" }]) {
    const settings = changed({ ...existing, signing }, ["signing"], signing);
    assert.deepEqual(
      problemsOf(settings, ["signingKey"]).map((problem) => problem.split(", expected")[0]),
      [
        "onload-kmm:signingKey: found a value that is kept secret",
        `onload-kmm:signingCertificate: found ${shown(pair.certificate)}`,
      ],
    );
  }
});

test("a misspelt source is one mistake, not one more for each part of the pair", () => {
  const [problem = "", ...more] = problemsOf({ ...existing, signing: { source: "exisitng" } }, ["signingKey"]);
  assert.match(problem, /^onload-kmm:signing\.source: found "exisitng", expected generated/);
  assert.deepEqual(more, []);
});

for (const password of ["short", "x".repeat(65), "pässword1", "with space", "p\nassword"]) {
  test(`the password ${JSON.stringify(password)} is refused without being shown`, () => {
    assert.deepEqual(problemsOf({ ...least, mokPassword: password }, ["mokPassword"]), [
      "onload-kmm:mokPassword: found a value that is kept secret, expected 8 to 64 of A-Z, a-z and 0-9 " +
        "(firmware consoles know no other keyboard) [OKMM-CONFIG-VALUE]",
    ]);
  });
}

test("a password of digits alone stays a text", () => {
  const { settings } = parseSettings(asPulumi({ ...least, mokPassword: "0012345678" }), (key) => key === "mokPassword");
  assert.equal(settings?.mokPassword, "0012345678");
});

test("no part of an object that holds a secret is shown", () => {
  const nodes = [{ ...least.nodes[0], console: "", hold: "hunter2" }];
  const problems = problemsOf({ ...least, nodes }, ["nodes"]);
  assert.equal(problems.length, 2);
  assert.ok(problems.every((problem) => problem.includes("found a value that is kept secret")));
  assert.ok(!problems.join().includes("hunter2"));
});

test("no part of an existing key is shown, whatever is wrong with it", () => {
  const half = pair.key.slice(0, pair.key.length / 2);
  const problems = problemsOf({ ...existing, signingKey: half }, ["signingKey"]);
  assert.match(problems.join("\n"), /signingKey: found a value that is kept secret/);
  assert.ok(!problems.join().includes(half.split("\n")[1] ?? assert.fail("no body")));
});
