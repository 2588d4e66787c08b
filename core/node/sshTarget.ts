import { z } from "zod";

/** How a node is reached from the bastion. */
export const sshTarget = z.object({
  /** Host, with `:port` where it isn't 22. */
  address: z.string(),
  /** Type and key, as `ssh-keyscan` prints them; a node that shows another is refused. */
  hostKey: z.string(),
  user: z.string(),
  privateKeyFile: z.string().optional(),
  agent: z.boolean(),
});
export type SshTarget = z.infer<typeof sshTarget>;
