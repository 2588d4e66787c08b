import { z } from "zod";

/** The one machine behind a Node's name. */
export const machineIdentity = z.object({
  name: z.string(),
  /** UID of the Node object: another one after the node was deleted and joined again. */
  uid: z.string(),
  /** `/etc/machine-id`: another one after a reinstallation. */
  machineId: z.string(),
  /** From SMBIOS: another one after the mainboard was replaced. */
  systemUuid: z.string(),
});
export type MachineIdentity = z.infer<typeof machineIdentity>;

/** The same with what it runs; a change of any part means that the node is done again. */
export const nodeIdentity = machineIdentity.extend({
  /** `uname -r`. */
  kernel: z.string(),
});
export type NodeIdentity = z.infer<typeof nodeIdentity>;
