import { parse } from "yaml";
import { imageTree } from "./images.ts";
import type { Machine, StoredImage } from "./machine.ts";
import { hostTree, modprobe, modprobeRemove, parseSoftdeps, type ModprobeResult, type ModuleTree } from "./modules.ts";
import type { Pod } from "./shapes.ts";

/** KMM's ModuleConfig, as the worker pod's annotation carries it in YAML. */
export interface WorkerConfig {
  kernelVersion: string;
  containerImage: string;
  inTreeModuleToRemove?: string;
  inTreeModulesToRemove?: string[];
  modprobe: {
    moduleName?: string;
    dirName?: string;
    parameters?: string[];
    modulesLoadingOrder?: string[];
    rawArgs?: { load?: string[]; unload?: string[] };
    args?: { load?: string[]; unload?: string[] };
    firmwarePath?: string;
  };
}

/** How a worker's container ended: exit code and its log. */
export interface WorkerResult {
  code: 0 | 1;
  log: string;
}

/** KMM's labels and annotations on a worker pod. */
export const WORKER = {
  action: "kmm.node.kubernetes.io/worker-action",
  config: "kmm.node.kubernetes.io/worker-config",
  order: "kmm.node.kubernetes.io/modules-order",
} as const;

/** Arguments that this model of modprobe doesn't know are refused rather than guessed. */
class Unsupported extends Error {}

/** Reads the worker's configuration off its pod; throws when KMM's annotation is missing. */
export function workerConfig(pod: Pod): WorkerConfig {
  const text = pod.metadata.annotations?.[WORKER.config];
  if (text === undefined) throw new Error(`pod ${pod.metadata.name ?? ""}: annotation ${WORKER.config} is missing`);
  return parse(text) as WorkerConfig;
}

/** `inTreeModulesToRemove`, or the deprecated single one. */
export const inTreeToRemove = (config: WorkerConfig): string[] =>
  config.inTreeModulesToRemove ?? (config.inTreeModuleToRemove === undefined ? [] : [config.inTreeModuleToRemove]);

/**
 * Runs `kmod load` or `kmod unload` of KMM's worker image against the machine: in-tree modules go first and stay away
 * when the rest fails, as in KMM's worker. `busy`: an application uses the module that would be unloaded.
 */
export function runWorker(machine: Machine, pod: Pod, image: StoredImage, options: { busy: boolean }): WorkerResult {
  const config = workerConfig(pod);
  const log = new Log();
  const tree = treeOf(machine, pod, image, config);
  log.info("Reading config", "/etc/kmm-worker/config.yaml");
  try {
    const unloading = pod.metadata.labels?.[WORKER.action] === "Unload";
    const code = unloading ? unload(machine, tree, { config, log, ...options }) : load(machine, tree, config, log);
    return { code, log: log.text };
  } catch (error) {
    if (!(error instanceof Unsupported)) throw error;
    log.error(error.message);
    return { code: 1, log: log.text };
  }
}

function treeOf(machine: Machine, pod: Pod, image: StoredImage, config: WorkerConfig): ModuleTree {
  const where = { dirName: config.modprobe.dirName ?? "/opt", kernel: config.kernelVersion };
  const tree = imageTree(machine, image, where);
  return { ...tree, softdeps: parseSoftdeps(pod.metadata.annotations?.[WORKER.order] ?? "") };
}

function load(machine: Machine, tree: ModuleTree, config: WorkerConfig, log: Log): 0 | 1 {
  refuseUnknown(config);
  const remove = inTreeToRemove(config).filter((name) => hostTree(machine).files.some((file) => file.name === name));
  if (remove.length > 0) {
    log.info("Unloading in-tree modules", remove.join(" "));
    if (!finished(log, ["-rv", ...remove], modprobeRemove(machine, hostTree(machine), remove))) return 1;
  }
  const name = config.modprobe.moduleName ?? "";
  const parameters = config.modprobe.parameters ?? [];
  const result = modprobe(machine, tree, name, parameters);
  return finished(log, ["-vd", tree.base, name, ...parameters], result) ? 0 : 1;
}

/** With KMM's softdeps the first module takes the others along; without (2.7 and later) all are named. */
function unload(machine: Machine, tree: ModuleTree, run: { config: WorkerConfig; log: Log; busy: boolean }): 0 | 1 {
  const { config, log, busy } = run;
  refuseUnknown(config);
  const order = config.modprobe.modulesLoadingOrder ?? [];
  const isAtOnce = order.length > 0 && Object.keys(tree.softdeps).length === 0;
  const names = isAtOnce ? order : [config.modprobe.moduleName ?? ""];
  const result: ModprobeResult = busy
    ? { code: 1, lines: [`modprobe: FATAL: Module ${names[0] ?? ""} is in use.`] }
    : modprobeRemove(machine, tree, names);
  return finished(log, ["-rvd", tree.base, ...names], result) ? 0 : 1;
}

/** Throws for what no worker of the sandbox does, rather than leaving it out. */
export function refuseUnknown({ modprobe: { rawArgs, args, firmwarePath } }: WorkerConfig): void {
  if (rawArgs !== undefined) throw new Unsupported("the sandbox's modprobe doesn't know modprobe.rawArgs");
  if (args !== undefined) throw new Unsupported("the sandbox's modprobe doesn't know modprobe.args");
  if (firmwarePath !== undefined && firmwarePath !== "") {
    throw new Unsupported("the sandbox's worker doesn't know modprobe.firmwarePath");
  }
}

function finished(log: Log, args: string[], result: ModprobeResult): boolean {
  log.info("Running modprobe", `/usr/sbin/modprobe ${args.join(" ")}`);
  for (const line of result.lines) log.info("modprobe", line);
  if (result.code !== 0) log.error(`error while waiting on the command: exit status ${result.code}`);
  return result.code === 0;
}

/** klog's line format, as KMM's worker writes it. */
class Log {
  text = "";

  info(message: string, detail: string): void {
    this.#line("I", `${JSON.stringify(message)} detail=${JSON.stringify(detail)}`);
  }

  error(message: string): void {
    this.#line("E", JSON.stringify(message));
  }

  #line(level: string, rest: string): void {
    const now = new Date().toISOString();
    this.text += `${level}${now.slice(5, 7)}${now.slice(8, 10)} ${now.slice(11, 23)}000       1 main.go:1] ${rest}\n`;
  }
}
