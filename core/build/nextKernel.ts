import { dnsKernel } from "./imageTag.ts";

/** Name of the PreflightValidationOCP for a kernel. */
export const preflightName = (kernel: string): string => `onload-kmm-${dnsKernel(kernel)}`;
