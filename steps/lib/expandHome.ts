import { homedir } from "node:os";

/** A path of the configuration's: `~` before its first `/` is the home of the user who runs the program. */
export const expandHome = (path: string): string => path.replace(/^~(?=\/)/, homedir());
