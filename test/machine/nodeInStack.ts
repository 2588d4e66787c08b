/** The virtual machine as the one node of a stack on a sandbox: the real engine on a real API server, and a real kernel. */
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { NodeProof } from "../../core/contracts/proveNode.ts";
import { Registry } from "@onload-kmm/sandbox/openshift/registry";
import { kernelFiles } from "@onload-kmm/sandbox/openshift/builder/kmodScripts";
import type { Sandbox } from "@onload-kmm/sandbox/sandbox";
import { openConsole } from "../../steps/firmware/console/consoleCommand.ts";
import { type EnrolOptions, type Outcome, enrolOverConsole } from "../../steps/firmware/console/mokManager.ts";
import { startStack, type Stack } from "../stack/stack.ts";
import { log } from "./bench.ts";
import { type MachineImages, buildMachine } from "@onload-kmm/secure-boot/build";
import { GuestKubelet } from "@onload-kmm/secure-boot/kubelet";
import { Machine } from "@onload-kmm/secure-boot/machine";
import { buildModules } from "./modules.ts";
import { answerOf } from "@onload-kmm/secure-boot/onNode";

/**
 * KMM finds a Driver Toolkit by the OS version in a node's `osImage`, which only RHCOS has: this one stands in for it, so
 * that the Module needs no mapping of its own for Debian.
 */
const node = { name: "machine", osImage: "Debian GNU/Linux 12.0.20260101-1 (bookworm)" };

const toolkits = { namespace: "openshift", stream: "driver-toolkit", like: "9.6.20251015-1", tag: "12.0.20260101-1" };

/** Gives the sandbox's cluster a Driver Toolkit for the machine's kernel: that of RHCOS, with this kernel's files. */
async function addDriverToolkit(sandbox: Sandbox, kernel: string): Promise<void> {
  const { namespace, stream, like, tag } = toolkits;
  const object = ["imagestream", stream, "-n", namespace];
  const { spec } = JSON.parse(await sandbox.kubectl(["get", ...object, "-o", "json"])) as {
    spec: { tags: { name: string; from: { kind: string; name: string } }[] };
  };
  const from = spec.tags.find(({ name }) => name === like)?.from;
  const registry = Registry.open(sandbox.dir);
  const image = from && registry.resolve(from.name);
  if (from === undefined || image === undefined) throw new Error(`the sandbox has no Driver Toolkit ${like}`);
  const name = from.name.replace(/@.*/, `:${tag}`);
  registry.push(name, { ...image, files: { ...image.files, ...Object.fromEntries(kernelFiles(kernel)) } });
  const tags = [...spec.tags, { name: tag, from: { kind: "DockerImage", name } }];
  await sandbox.kubectl(["patch", ...object, "--type=merge", "-p", JSON.stringify({ spec: { tags } })]);
}

/** A machine, a sandbox without workers of its own, and a stack whose node the machine is. */
export class NodeInStack {
  readonly directory: string;
  readonly images: MachineImages;
  readonly machine: Machine;
  readonly stack: Stack;
  /** Folder of the modules that build-kmod.sh has built for the machine's kernel. */
  readonly built: Promise<string>;
  readonly #kubelet: GuestKubelet;

  private constructor(
    parts: Pick<NodeInStack, "directory" | "images" | "machine" | "stack" | "built">,
    kubelet: GuestKubelet,
  ) {
    this.directory = parts.directory;
    this.images = parts.images;
    this.machine = parts.machine;
    this.stack = parts.stack;
    this.built = parts.built;
    this.#kubelet = kubelet;
  }

  /** Builds what isn't built yet, and starts it all. */
  static async open(): Promise<NodeInStack> {
    const directory = await mkdtemp(path.join(os.tmpdir(), "onload-kmm-machine-"));
    const images = await buildMachine(log);
    const machine = await Machine.create(images, path.join(directory, "machine"));
    await machine.start();
    const built = buildModules(images, directory);
    const { address, hostKey, identityFile } = { ...machine.ssh, address: `127.0.0.1:${machine.ssh.port}` };
    const stack = await startStack({
      nodes: 0,
      configure: ({ config }) => {
        // No card of QEMU's is one that sfc drives.
        const withoutPorts = true;
        config["onload-kmm:nodes"] = [{ name: node.name, address, hostKey, console: machine.console, withoutPorts }];
        config["onload-kmm:ssh"] = { user: "core", privateKeyFile: identityFile };
      },
    });
    try {
      await addDriverToolkit(stack.sandbox, images.kernelRelease);
      const kubelet = await GuestKubelet.start({
        machine,
        images,
        built,
        stateDir: stack.sandbox.dir,
        node,
        directory,
        log,
      });
      return new NodeInStack({ directory, images, machine, stack, built }, kubelet);
    } catch (error) {
      // Nobody has it in hand to end it.
      await stack.end();
      throw error;
    }
  }

  /** Chooses who answers MokManager at the next `up`. */
  async setEnrolment(enrolment: { mode: string; removeOnDestroy?: boolean }): Promise<void> {
    const config = await this.stack.config();
    await this.stack.configure({
      ...config,
      config: { ...config.config, "onload-kmm:enrolment": { timeoutMinutes: 30, ...enrolment } },
    });
  }

  /** Somebody sits down at the console, where MokManager waits already, with this password in hand. */
  async typeAtConsole(password: string, recordScreen: NonNullable<EnrolOptions["recordScreen"]>): Promise<Outcome> {
    return enrolOverConsole({
      console: await openConsole(this.machine.console),
      password,
      log,
      deadlineSeconds: 900,
      wake: true,
      recordScreen,
    });
  }

  /** What state says of the node: steps/proveNode.ts. */
  async proofs(): Promise<NodeProof[]> {
    return this.stack.proofs();
  }

  /** The stack's certificate, as the on-node tools take it. */
  async certificate(): Promise<string> {
    const pem = String((await this.stack.outputs())["certificate"]);
    return pem.replace(/-----[^-]+-----|\s/g, "");
  }

  /** What state.sh tells. */
  async state(): Promise<Record<string, unknown>> {
    return answerOf(this.machine, "state", { certificate: await this.certificate() });
  }

  /** The Node object's field, by a JSONPath. */
  node(field: string): Promise<string> {
    return this.stack.sandbox.kubectl(["get", "node", node.name, "-o", `jsonpath={${field}}`]);
  }

  async close(): Promise<void> {
    await this.#kubelet.stop();
    await this.stack.end();
    await this.machine.destroy();
    await rm(this.directory, { recursive: true, force: true });
  }
}
