import { messageText } from "./text.ts";

/**
 * Errors by name. A text that tells a person of something wrong ends with one of these ids in brackets, and docs/runbook.md
 * has its paragraph: what it means, and what to do. An id keeps its meaning; one that has gone is never used again.
 */
export const errors = {
  // Configuration: found before anything is asked.
  "OKMM-NODEJS-OLD": "Pulumi runs the program with a Node.js that can't read TypeScript.",
  "OKMM-CONFIG-VALUE": "A configuration value is missing or wrong.",
  "OKMM-CONFIG-UNKNOWN": "The configuration has a key that this program doesn't know.",
  "OKMM-CONFIG-PLAINTEXT": "A secret is in the configuration in plain text.",
  "OKMM-CONFIG-STACK": "The stack's name can't be used as a label.",
  "OKMM-SSH-KEY": "The SSH key or agent can't be used to log in.",
  "OKMM-RELEASE-PACKAGE": "The release package can't be read, or isn't AMD's.",
  "OKMM-RELEASE-CHECKSUM": "The release package has another checksum than the configuration.",
  "OKMM-RELEASE-VERSION": "The release package holds another version than the configuration names.",

  // The cluster: found by preview and up, before the first change.
  "OKMM-KEY-EXPIRED": "The signing certificate has expired.",
  "OKMM-CLUSTER-CONTEXT": "The kubeconfig has no context of that name.",
  "OKMM-CLUSTER-WRONG": "The kubeconfig's context leads to another cluster.",
  "OKMM-KUBECTL-MISSING": "Neither kubectl nor oc is installed.",
  "OKMM-KUBECTL-FAILED": "The API server refused a request.",
  "OKMM-API-AWAY": "The API server doesn't answer.",
  "OKMM-CLUSTER-RIGHTS": "The kubeconfig's user lacks rights that this stack needs.",
  "OKMM-PREFLIGHT-FAILED": "The look at the cluster itself failed.",
  "OKMM-CLUSTER-CAPABILITY": "The cluster lacks a part of OpenShift that this program needs.",
  "OKMM-KMM-MISSING": "The Kernel Module Management operator isn't installed.",
  "OKMM-KMM-OLD": "The Kernel Module Management operator is too old.",
  "OKMM-KMM-UNTRIED": "This program wasn't tried on this line of KMM.",
  "OKMM-STACK-MOVED": "The stack's name, cluster or namespace was changed.",
  "OKMM-NAMESPACE-TAKEN": "The namespace belongs to somebody else.",
  "OKMM-NAMESPACE-DELETING": "The namespace is being deleted.",
  "OKMM-MODULE-FOREIGN": "Another KMM Module already loads OpenOnload.",
  "OKMM-OBJECTS-DELETED": "Objects of this stack were deleted by hand.",
  "OKMM-REGISTRY-INTERNAL": "The cluster's internal image registry isn't in use.",
  "OKMM-REGISTRY-SECRET": "A registry's Secret is missing or unfit.",
  "OKMM-REGISTRY-CA": "Nodes and builds don't trust the registry's certificate.",
  "OKMM-REGISTRY-ACCESS": "The registry doesn't answer, or doesn't let this program in.",
  "OKMM-NODE-UNKNOWN": "A listed node isn't in the cluster.",
  "OKMM-NODE-TAKEN": "A listed node belongs to another stack.",
  "OKMM-KERNEL-PATTERN": "A node's kernel doesn't match `build.kernels`.",
  "OKMM-KERNEL-UNBUILDABLE": "No modules can be built for a node's kernel.",
  "OKMM-KERNEL-REPOSITORY": "The build needs packages that your subscription may lack.",
  "OKMM-RELEASE-KERNEL": "The OpenOnload release is too old for a kernel.",
  "OKMM-RELEASE-UNTRIED": "Nobody knows whether the OpenOnload release builds for a kernel.",
  "OKMM-TAG-LENGTH": "The image's tag would be too long.",
  "OKMM-BUILD-ENTITLEMENT": "The cluster has no entitlement for `entitled-ubi`.",
  "OKMM-BUILD-NOPLACE": "No node can take KMM's pods and builds.",
  "OKMM-BUILD-EARLIER": "KMM's last builds failed.",
  "OKMM-BUILD-RUNNING": "KMM is building already.",
  "OKMM-POOL-UPDATING": "The Machine Config Operator isn't done with a node.",
  "OKMM-POOL-PAUSED": "A node's machine config pool is paused.",
  "OKMM-POOL-SEVERAL": "A node is in several machine config pools.",
  "OKMM-POOL-NONE": "The cluster has no machine config pools.",
  "OKMM-ETCD-DEGRADED": "etcd can't spare a control-plane node.",
  "OKMM-ETCD-UNKNOWN": "Nothing tells whether etcd can spare a control-plane node.",

  // Nodes, as preview and up see them over SSH, before anything is done to them.
  "OKMM-SSH-AWAY": "A node doesn't answer over SSH.",
  "OKMM-SSH-HOSTKEY": "A node shows another SSH host key than the configured one.",
  "OKMM-SSH-LOGIN": "A node doesn't let the configured user log in.",
  "OKMM-NODE-TOOL": "One of this program's tools failed on a node.",
  "OKMM-NODE-NOPORT": "A node has no port for OpenOnload's driver.",
  "OKMM-NODE-OWNNETWORK": "A node's own network runs on a Solarflare card.",
  "OKMM-NODE-BLACKLIST": "A node's kernel is told to refuse the modules.",
  "OKMM-NODE-SIGNATURES": "A node's kernel wants signatures, but Secure Boot is off.",
  "OKMM-NODE-IBT": "Indirect Branch Tracking may keep OpenOnload from loading.",
  "OKMM-FIRMWARE-FULL": "A node's firmware has no space left for the key.",
  "OKMM-BOOT-ORDER": "A node's next boot may miss MokManager.",
  "OKMM-KEY-CHANGE": "The signing key changes, which reboots nodes.",

  // The build: no node is out of service.
  "OKMM-SOURCE-START": "The source build could not be started.",
  "OKMM-SOURCE-FAILED": "Building the source image failed.",
  "OKMM-SOURCE-TIMEOUT": "The source image wasn't built in time.",
  "OKMM-SOURCE-DELETED": "The source build was deleted while it ran.",
  "OKMM-BUILD-FAILED": "Building the kernel modules failed.",
  "OKMM-BUILD-SIGN": "Signing the kernel modules failed.",
  "OKMM-BUILD-TIMEOUT": "The kernel modules weren't built in time.",
  "OKMM-BUILD-TOOLKIT": "The cluster has no Driver Toolkit for a kernel.",
  "OKMM-BUILD-PULLPOD": "KMM's pod that looks for the image hangs.",
  "OKMM-BUILD-ENDLESS": "KMM starts to build again each time it is stopped.",
  "OKMM-IMAGE-PHANTOM": "KMM believes in an image that isn't there.",
  "OKMM-IMAGE-DISTRUSTED": "An image without a known signature was taken away.",
  "OKMM-VALIDATION-OTHER": "Somebody else's PreflightValidationOCP is in the way.",
  "OKMM-VALIDATION-STUCK": "A PreflightValidationOCP can't be deleted.",

  // A node's turn, before anything is done to it.
  "OKMM-MODULE-MISSING": "The stack's Module isn't in the cluster.",
  "OKMM-MODULE-VERSION": "The cluster's Module has another version than this run wants.",
  "OKMM-IMAGE-UNSIGNED": "Nothing is known of the image's signature.",
  "OKMM-NODE-GONE": "A node is gone from the cluster.",
  "OKMM-NODE-CHANGED": "A node changed during the run.",
  "OKMM-NODE-NOTREADY": "A node isn't Ready.",
  "OKMM-NODE-HEALTHCHECK": "A health check would power-cycle a node.",
  "OKMM-NODE-INUSE": "Something uses the modules that a drain doesn't stop.",
  "OKMM-TURN-BLOCKED": "Other nodes are out of service, and stay so.",
  "OKMM-TURN-TIMEOUT": "Another run of this stack is at work.",
  "OKMM-TURN-LOST": "A run stood still, and lost its turn on a node.",
  "OKMM-TURN-OTHER": "Another stack is at work on a node.",

  // A node's outage: it is cordoned.
  "OKMM-DRAIN-STUCK": "A node could not be drained.",
  "OKMM-UNLOAD-INUSE": "The modules are still in use on a drained node.",
  "OKMM-UNLOAD-TIMEOUT": "KMM didn't unload the modules in time.",
  "OKMM-LOAD-TIMEOUT": "The modules weren't loaded in time.",
  "OKMM-LOAD-PULL": "KMM's worker can't pull its image.",
  "OKMM-LOAD-ACCOUNT": "KMM can't make its worker pod.",

  // Firmware: the key's way into a node.
  "OKMM-KEY-UNTRUSTED": "Secure Boot is on, and nobody enrols the key.",
  "OKMM-MOK-NOTENROLLED": "A node came back without the key enrolled.",
  "OKMM-MOK-NOTDELETED": "A node came back with the key still enrolled.",
  "OKMM-MOK-MISSED": "A node's firmware booted past MokManager.",
  "OKMM-BOOT-TIMEOUT": "A node didn't come back from its reboot in time.",
  "OKMM-BOOT-AWAY": "A node went away before this program rebooted it.",
  "OKMM-CONSOLE-MISSING": "Mode `console`, but no console or no password.",
  "OKMM-CONSOLE-UNUSABLE": "A node's console can't be used.",
  "OKMM-CONSOLE-LOST": "A node's console was lost before its reboot.",
  "OKMM-CONSOLE-GAVEUP": "The console script gave up.",
  "OKMM-BMC-MISSING": "Mode `redfish`, but no BMC for a node.",
  "OKMM-BMC-AWAY": "A BMC doesn't answer.",
  "OKMM-BMC-CERTIFICATE": "A BMC shows another certificate than the configured one.",
  "OKMM-BMC-LOGIN": "A BMC doesn't accept the configured user.",
  "OKMM-BMC-PRIVILEGE": "The BMC's user lacks a privilege.",
  "OKMM-BMC-URL": "A node's `bmc.url` leads elsewhere.",
  "OKMM-BMC-MACHINE": "A node's `bmc` is another machine's.",
  "OKMM-BMC-UNFIT": "A BMC doesn't offer what mode `redfish` needs.",
  "OKMM-BMC-SETUPMODE": "A node's Secure Boot isn't set up.",
  "OKMM-BMC-POLICY": "A node's BIOS keeps its Secure Boot databases.",
  "OKMM-BMC-REFUSED": "A BMC refused a request.",
  "OKMM-DB-NOTENROLLED": "A node came back without the certificate in `db`.",

  // Proof.
  "OKMM-PROOF-FAILED": "A node doesn't run what this stack built.",

  // Nodes that leave, and destroy.
  "OKMM-DRIVER-MISSING": "The kernel's own driver didn't come back.",
  "OKMM-MODULE-HELD": "KMM still has the Module loaded somewhere.",
  "OKMM-KEY-PROTECTED": "The signing key is protected.",

  // `npm run init`: nothing was written.
  "OKMM-INIT-OPTION": "`npm run init` lacks an option, or has a wrong one.",
  "OKMM-INIT-STOPPED": "`npm run init` was stopped.",
  "OKMM-HOSTKEY-UNREAD": "A node's SSH host keys could not be read.",

  // Anywhere.
  "OKMM-ANNOTATION-BROKEN": "An annotation of the stack's namespace can't be read.",
  "OKMM-PASSWORD-NONE": "The stack has no MOK password yet.",
  "OKMM-PULUMI-FAILED": "A command of the Pulumi CLI failed.",
  "OKMM-STEP-INPUT": "A step was run without its input.",
  "OKMM-UNEXPECTED": "This program has a fault.",
} as const;

/** Name of an error: its key in {@link errors}. */
export type ErrorId = keyof typeof errors;

/** A text that names its error. */
export type Told = `${string} [${ErrorId}]`;

/**
 * The text with its error's id at the end: what to do comes first, and a terminal that cuts a line cuts this. What it quotes
 * of the world outside is cut and cleaned here, on the way of every error.
 */
export const told = (id: ErrorId, text: string): Told => `${messageText(text)} [${id}]`;

/** Whether a value is a text with the id of an error of ours at its end. */
export function isTold(value: unknown): value is Told {
  const id = typeof value === "string" ? /\[([A-Z0-9-]+)\]$/.exec(value)?.[1] : undefined;
  return id !== undefined && id in errors;
}

/** Where the paragraph about an error is. */
export const paragraphOf = (id: ErrorId): string => `docs/runbook.md#${id.toLowerCase()}`;
