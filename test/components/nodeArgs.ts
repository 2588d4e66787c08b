/** One node's arguments for tests. */
import * as pulumi from "@pulumi/pulumi";
import type { OnloadNodeArgs } from "../../components/onloadNode.ts";
import type { NodeReality } from "../../core/node/reality.ts";
import { Given, onStack } from "./fixtures.ts";

export const identity = (name: string) => ({
  name,
  uid: `uid-${name}`,
  machineId: "m",
  systemUuid: "s",
  kernel: "5.14.0-1.el9.x86_64",
});
export const target = {
  namespace: "onload-kmm",
  name: "onload",
  version: "v1",
  image: "registry/onload:${KERNEL_FULL_VERSION}",
};
export const ssh = { address: "worker-1:2222", hostKey: "ssh-ed25519 AAAA", user: "core", agent: false };
export const certificate = "-----BEGIN CERTIFICATE-----\nMIIB\nAAAA\n-----END CERTIFICATE-----\n";
export const passwordHash = "$2a$10$abcdefghijklmnopqrstu.";

/** A node that nothing was done to so far. */
export const untouched = (name: string): NodeReality => {
  const { uid, machineId, systemUuid, kernel } = identity(name);
  return {
    node: {
      metadata: { name, uid },
      status: {
        conditions: [{ type: "Ready", status: "True" }],
        nodeInfo: { bootID: "b", kernelVersion: kernel, machineID: machineId, systemUUID: systemUuid },
      },
    },
  };
};

export const node = (name: string, more: Partial<OnloadNodeArgs> = {}): OnloadNodeArgs => ({
  ...onStack,
  identity: identity(name),
  namespace: "onload-kmm",
  module: pulumi.output(new Given("module")),
  target: pulumi.output(target),
  build: pulumi.output(new Given("build")),
  reality: untouched(name),
  ssh,
  certificate: pulumi.output(certificate),
  mode: "attended",
  enrolment: { passwordHash: pulumi.secret(passwordHash) },
  consent: { ownNetworkOnSolarflare: false, withoutPorts: false },
  hold: false,
  ...more,
});
