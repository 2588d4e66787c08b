/** One node's arguments for tests. */
import * as pulumi from "@pulumi/pulumi";
import type { OnloadNodeArgs } from "../../components/onloadNode.ts";
import { Given, onStack } from "./fixtures.ts";

export const identity = (name: string) => ({
  name,
  uid: `uid-${name}`,
  machineId: "m",
  systemUuid: "s",
  kernel: "5.14.0-1.el9.x86_64",
  attempt: 0,
});
export const built = {
  namespace: "onload-kmm",
  name: "onload",
  version: "v1",
  image: "registry/onload:${KERNEL_FULL_VERSION}",
};
export const rollout = { maxParallel: 2, drain: true, drainTimeoutMinutes: 15, loadTimeoutMinutes: 10 };
export const ssh = { address: "worker-1:2222", hostKey: "ssh-ed25519 AAAA", user: "core", agent: false };
export const certificate = "-----BEGIN CERTIFICATE-----\nMIIB\nAAAA\n-----END CERTIFICATE-----\n";
export const passwordHash = "$2a$10$abcdefghijklmnopqrstu.";
export const enrolment = { mode: "attended", timeoutMinutes: 60, removeOnDestroy: false } as const;

export const node = (name: string, more: Partial<OnloadNodeArgs> = {}): OnloadNodeArgs => ({
  ...onStack,
  identity: identity(name),
  namespace: "onload-kmm",
  module: pulumi.output(new Given("module")),
  built: pulumi.output(built),
  ssh,
  certificate: pulumi.output(certificate),
  enrolment: { ...enrolment, passwordHash: pulumi.secret(passwordHash) },
  ownNetworkOnSolarflare: false,
  hold: false,
  rollout,
  ...more,
});
