/** Every reader of what comes from outside: what it reads, what it promises, and how it is tried. */

interface Reader {
  /** Files in which it reads. */
  readonly files: readonly string[];
  /** Where its input comes from. */
  readonly from: string;
  /** What it gives for any input whatsoever, beside what holds for all readers. */
  readonly promise: string;
  /** The test's file in test/hostile. */
  readonly test: string;
  /** Inputs in each run of the tests. */
  readonly runs: number;
}

const table = {
  configuration: {
    files: ["core/configuration/parseSettings.ts", "config.ts"],
    from: "`Pulumi.<stack>.yaml`, as Pulumi hands it over",
    promise:
      "settings that are the same when they are read again, or each problem with its key; never a secret's value",
    test: "configuration.test.ts",
    runs: 1500,
  },
  "stack file": {
    files: ["core/configuration/stackFile.ts", "scripts/init/file.ts"],
    from: "the file that `npm run init` extends",
    promise: "a document that can be written again, or one error",
    test: "configuration.test.ts",
    runs: 500,
  },
  "list of nodes": {
    files: ["core/configuration/nodesFile.ts"],
    from: "the file that `nodesFile` names",
    promise: "a list, or one problem of the file that quotes nothing of it but a line's number",
    test: "configuration.test.ts",
    runs: 300,
  },
  "init's options": {
    files: ["scripts/init/options.ts", "scripts/init/terminal.ts"],
    from: "the command line",
    promise: "options, or what is wrong with them",
    test: "configuration.test.ts",
    runs: 300,
  },
  "release package": {
    files: ["core/build/zip.ts", "core/build/release.ts", "steps/build/releasePackage.ts"],
    from: "a download: AMD's zip",
    promise: "the one source RPM, with the size and the checksum that the zip's directory says; else what the file is",
    test: "release.test.ts",
    runs: 1500,
  },
  "source RPM": {
    files: ["core/build/release.ts"],
    from: "a download: the RPM itself",
    promise: "taken only with a source package's lead, and byte for byte",
    test: "release.test.ts",
    runs: 400,
  },
  "signing pair": {
    files: ["core/configuration/signingPair.ts", "core/configuration/remedies.ts", "components/signingKey.ts"],
    from: "PEMs in the configuration",
    promise: "taken only when key and certificate belong together; nothing of the key in any message",
    test: "keys.test.ts",
    runs: 400,
  },
  "certificate for a node": {
    files: ["core/node/nodeTool.ts", "core/configuration/keyChange.ts", "steps/firmware/firmwareConsole.ts"],
    from: "PEMs with words around them, or with a chain",
    promise: "the first certificate's DER in base64",
    test: "keys.test.ts",
    runs: 300,
  },
  "SSH key": {
    files: ["steps/node/sshKey.ts", "preflight.ts"],
    from: "the file `ssh.privateKeyFile`",
    promise: "a key that can log in, or why not, without a part of it",
    test: "keys.test.ts",
    runs: 400,
  },
  "host keys": {
    files: ["core/node/hostKey.ts", "core/node/hostKeyPod.ts", "steps/cluster/hostKeys.ts"],
    from: "public key files on nodes, through a pod",
    promise: "keys of known types, each as it stands there",
    test: "keys.test.ts",
    runs: 600,
  },
  "SSH server": {
    files: ["steps/node/ssh.ts", "steps/node/scanHostKeys.ts"],
    from: "whoever answers at a node's address",
    promise: "no answer, and one error of the connection",
    test: "ssh.test.ts",
    runs: 60,
  },
  "serial console": {
    files: [
      "steps/firmware/console/codepage.ts",
      "steps/firmware/console/terminal.ts",
      "steps/firmware/console/view.ts",
      "steps/firmware/console/menu.ts",
    ],
    from: "bytes of firmware, boot loaders, kernels and BMCs",
    promise: "a screen of the terminal's size without control characters; a decision that the table of menus has",
    test: "console.test.ts",
    runs: 1200,
  },
  "console script": {
    files: [
      "steps/firmware/console/reader.ts",
      "steps/firmware/console/mokManager.ts",
      "steps/firmware/console/consoleCommand.ts",
      "steps/firmware/console/tryConsole.ts",
    ],
    from: "a MokManager that is disturbed",
    promise: "one outcome; the password typed once at most, and in nothing that is kept",
    test: "console.test.ts",
    runs: 60,
  },
  "node's answer": {
    files: ["steps/node/nodeMachine.ts", "core/node/machineState.ts"],
    from: "what the on-node tools print",
    promise: "the state, its strings short and fit to be shown, or one error",
    test: "node.test.ts",
    runs: 1000,
  },
  "on-node tool": {
    files: ["assets/node/state.sh", "assets/node/lib.sh"],
    from: "mokutil, ethtool, lspci, efibootmgr, modprobe and the kernel's files on a node",
    promise: "one object on one line, or exit code 1 and why; names as they are, and nothing of it run",
    test: "onNode.test.ts",
    runs: 60,
  },
  "boot order and kernels": {
    files: ["core/build/kernelRelease.ts", "core/firmware/bootOrder.ts", "core/build/imageTag.ts"],
    from: "`uname -r` of nodes",
    promise: "what RHEL's kernel names say; nothing for others",
    test: "cluster.test.ts",
    runs: 500,
  },
  "kubectl's objects": {
    files: [
      "steps/cluster/kubeJson.ts",
      "steps/cluster/kubectl.ts",
      "steps/cluster/kubeProxy.ts",
      "scripts/init/cluster.ts",
    ],
    from: "kubectl's stdout, and what comes through `kubectl proxy`",
    promise: "objects that have what every object has, or one error that quotes nothing",
    test: "cluster.test.ts",
    runs: 1000,
  },
  "kubectl's errors": {
    files: ["steps/cluster/kubectlError.ts", "steps/cluster/apiServerAway.ts"],
    from: "kubectl's stderr",
    promise: "an answer in time, the same for the same text",
    test: "cluster.test.ts",
    runs: 500,
  },
  "stack's annotations": {
    files: ["core/node/rollState.ts", "core/configuration/policy.ts", "core/build/imageMemory.ts"],
    from: "annotations that anybody may change",
    promise: "what was written, or none; an error names the annotation",
    test: "cluster.test.ts",
    runs: 1000,
  },
  "steps' answers": {
    files: ["core/contracts/contract.ts", "steps/lib/step.ts", "components/step.ts"],
    from: "state, and a step's stdout",
    promise: "an answer of the contract, or one error without its values",
    test: "cluster.test.ts",
    runs: 500,
  },
  "registry's login": {
    files: ["steps/build/registry/token.ts", "steps/build/registry/client.ts"],
    from: "a registry's and its token server's answers",
    promise: "a token that fits in a header, fetched over TLS; else why there is none",
    test: "servers.test.ts",
    runs: 600,
  },
  "registry credentials": {
    files: ["core/build/dockerConfig.ts", "steps/build/registry/access.ts"],
    from: "Secrets in the cluster",
    promise: "the entry for the repository, or none; merged texts can be read again",
    test: "servers.test.ts",
    runs: 600,
  },
  BMC: {
    files: [
      "steps/firmware/redfish/service.ts",
      "steps/firmware/redfish/pinnedHttps.ts",
      "steps/firmware/redfish/signatureDatabase.ts",
    ],
    from: "a Redfish service's answers",
    promise: "whether the certificate is listed, or one error; nothing sent elsewhere, and no password in a message",
    test: "servers.test.ts",
    runs: 60,
  },
  "run's records": {
    files: ["core/report/records.ts", "steps/lib/report.ts", "steps/lib/pastRuns.ts"],
    from: "files of runs that were killed, or that somebody has changed",
    promise: "a page in which nothing can run, from the lines that are whole",
    test: "report.test.ts",
    runs: 300,
  },
  "text for people": {
    files: ["core/text.ts", "steps/lib/output.ts", "steps/lib/record.ts", "steps/lib/limited.ts"],
    from: "anything that a message quotes",
    promise: "bounded, without what a terminal obeys; what is harmless stays as it is",
    test: "text.test.ts",
    runs: 800,
  },
} as const satisfies Record<string, Reader>;

export type ReaderName = keyof typeof table;
export const readers: Readonly<Record<ReaderName, Reader>> = table;
