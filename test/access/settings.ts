/** The settings of the stacks that live under the account. */
import type { RightsFor } from "../../core/cluster/rights.ts";

export const namespace = "onload-kmm";

/** Nobody serves at this address. */
export const registry = { repository: "127.0.0.1:1/team/onload", pushSecret: "openshift-config/onload-push" };

export const plain: RightsFor = { namespace, strategy: "driver-toolkit", nextKernels: true };

/** What needs other rights. */
export const other: RightsFor = { namespace, strategy: "entitled-ubi", nextKernels: false, registry };
