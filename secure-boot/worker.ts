/** KMM's worker on the machine: the image's files where a container runtime would have them, and the real modprobe. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { StoredImage } from "@onload-kmm/sandbox/nodes/machine";
import type { Pod } from "@onload-kmm/sandbox/nodes/shapes";
import {
  inTreeToRemove,
  refuseUnknown,
  WORKER,
  workerConfig,
  type WorkerResult,
} from "@onload-kmm/sandbox/nodes/worker";
import { command } from "./command.ts";
import type { KmodImages } from "./kmodImages.ts";
import type { Machine } from "./machine.ts";
import { quote } from "./onNode.ts";

/** Where the files of an image are on the machine: state.sh looks there for the signers of live modules. */
const storageOf = (image: StoredImage): string =>
  `/var/lib/containers/storage/overlay/${image.digest.replace("sha256:", "")}/diff`;

/** Runs the containers of KMM's worker pods on one machine. */
export class GuestWorker {
  readonly #machine: Machine;
  readonly #images: KmodImages;
  /** Images whose files are on the machine since its last boot, by digest. */
  readonly #unpacked = new Set<string>();

  constructor(machine: Machine, images: KmodImages) {
    this.#machine = machine;
    this.#images = images;
  }

  /** The machine's storage is in its memory: a boot empties it. */
  rebooted(): void {
    this.#unpacked.clear();
  }

  /** Does what the pod asks for; its log is what modprobe said. */
  async run(pod: Pod, image: StoredImage): Promise<WorkerResult> {
    const config = workerConfig(pod);
    refuseUnknown(config);
    await this.#unpack(image, pod.metadata.namespace ?? "");
    const { moduleName = "", parameters = [], modulesLoadingOrder = [], dirName = "/opt" } = config.modprobe;
    const unloading = pod.metadata.labels?.[WORKER.action] === "Unload";
    const place = [storageOf(image), dirName, config.kernelVersion];
    const order = modulesLoadingOrder.length > 0 ? modulesLoadingOrder : [moduleName];
    const words = unloading
      ? ["unload", ...place, "", ...order]
      : ["load", ...place, inTreeToRemove(config).join(" "), moduleName, ...parameters];
    const script = await readFile(path.join(import.meta.dirname, "worker.sh"), "utf8");
    const softdeps = pod.metadata.annotations?.[WORKER.order] ?? "";
    const commandLine = `sudo sh -c ${[script, "worker.sh", ...words].map(quote).join(" ")}`;
    const { code, stdout, stderr } = await this.#machine.run(commandLine, softdeps);
    return { code: code === 0 ? 0 : 1, log: stdout + stderr };
  }

  async #unpack(image: StoredImage, namespace: string): Promise<void> {
    if (this.#unpacked.has(image.digest)) return;
    const files = await this.#images.filesOf(image, namespace);
    await command("tar", ["-C", files, "-cf", `${files}.tar`, "."]);
    const storage = quote(storageOf(image));
    const unpack = `sudo sh -c 'mkdir -p "$1" && tar -xf - -C "$1"' sh ${storage}`;
    const { code, stderr } = await this.#machine.run(unpack, await readFile(`${files}.tar`));
    if (code !== 0) throw new Error(`tar on the machine: ${stderr}`);
    this.#unpacked.add(image.digest);
  }
}
