import { z } from "zod";

/** How a node's BMC is reached. */
export const bmcAccess = z.object({
  /** The node's ComputerSystem in the BMC's Redfish service. */
  url: z.string(),
  /** SHA-256 over the BMC's TLS certificate in hexadecimal: a server with another one is sent nothing. */
  fingerprint: z.string(),
  user: z.string(),
  password: z.string(),
});
export type BmcAccess = z.infer<typeof bmcAccess>;
