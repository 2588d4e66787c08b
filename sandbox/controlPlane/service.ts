import type { Toolchain } from "../toolchain/toolchain.ts";
import type { ServiceName, State } from "./state.ts";

/** What a service is started with. */
export interface Context {
  /** The sandbox's state directory. */
  readonly dir: string;
  readonly state: State;
  readonly bin: Toolchain["bin"];
}

/** One process of the sandbox. */
export interface Service {
  readonly name: ServiceName;
  /** Ports that must be free before it starts. */
  ports(state: State): number[];
  /** Executable and arguments; no secret is among them. */
  command(context: Context): { file: string; args: string[] };
  /** Added to what every service has in its environment. */
  env?(context: Context): NodeJS.ProcessEnv;
  /** Whether it serves now. Errors mean "not yet". */
  ready(context: Context): Promise<boolean>;
  /** Milliseconds between SIGTERM and SIGKILL. */
  readonly graceMs: number;
}
