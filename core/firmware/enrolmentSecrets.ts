import { z } from "zod";
import { bmcAccess } from "./bmcAccess.ts";

/** By whom and where the node comes to trust the key; how is the policy's. */
export const enrolmentSecrets = z.object({
  /** crypt(5) hash of the password that MokManager asks for; empty in the modes that go without MokManager. */
  passwordHash: z.string(),
  /** The password itself, for the script of mode `console`. */
  password: z.string().optional(),
  /** For mode `redfish`. */
  bmc: bmcAccess.optional(),
});
