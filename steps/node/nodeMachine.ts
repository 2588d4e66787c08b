import { readFile } from "node:fs/promises";
import { z } from "zod";
import { machineState, type MachineState } from "../../core/node/machineState.ts";
import type { ModuleUser } from "../../core/node/moduleUsers.ts";
import { certificateInput, toolCommand, toolInput, type NodeTool } from "../../core/node/nodeTool.ts";
import type { SshTarget } from "../../core/node/sshTarget.ts";
import { runRemote, Unreachable, type SshLimits } from "./ssh.ts";
import { StepError } from "../lib/step.ts";
import { cleanText, excerpt } from "../../core/text.ts";

const moduleUsers = z.object({
  users: z.array(z.object({ name: z.string(), holds: z.string().nullable(), pod: z.string().nullable() })),
});

const changed = z.object({ before: z.string(), after: z.string() });

/** An on-node tool ended with an error: the node lets us in, but something is wrong on it. */
export class ToolFailure extends StepError {
  constructor(message: string) {
    super("OKMM-NODE-TOOL", message);
  }
}

/** The machine under a node: firmware, kernel and network, asked and changed by the on-node tools. */
export class NodeMachine {
  readonly #name: string;
  readonly #target: SshTarget;
  readonly #certificate: string;
  readonly #limits: SshLimits | undefined;

  /**
   * @param certificate the signing certificate in PEM
   * @param limits how long it may take to log in, and to answer
   */
  constructor(name: string, target: SshTarget, certificate: string, limits?: SshLimits) {
    this.#limits = limits;
    this.#name = name;
    this.#target = target;
    this.#certificate = certificateInput(certificate);
  }

  state(): Promise<MachineState> {
    // Before the first `up` has made a key there is none to ask for.
    const input: Record<string, string> = this.#certificate === "" ? {} : { certificate: this.#certificate };
    return this.#run("state", input, machineState);
  }

  /** As {@link state}; undefined while there is no SSH connection. */
  async stateOrAway(): Promise<MachineState | undefined> {
    try {
      return await this.state();
    } catch (error) {
      if (error instanceof Unreachable) return undefined;
      throw error;
    }
  }

  /**
   * Asks MokManager for the key's enrolment with this password.
   *
   * @param pending whether a request that is there already is made again: it may bear another password
   * @returns the key's state afterwards
   */
  async requestEnrolment(passwordHash: string, pending: "replace" | "keep" = "replace"): Promise<string> {
    const replace = pending === "replace" ? "yes" : "no";
    const input = { certificate: this.#certificate, "password-hash": passwordHash, replace };
    return (await this.#run("import", input, changed)).after;
  }

  async revokeRequests(): Promise<void> {
    await this.#run("revoke", { certificate: this.#certificate }, changed);
  }

  /** @returns whether a request is pending now; false when there is nothing to delete */
  async requestDeletion(passwordHash: string): Promise<boolean> {
    const input = { certificate: this.#certificate, "password-hash": passwordHash };
    return (await this.#run("delete", input, changed.extend({ deletionPending: z.boolean() }))).deletionPending;
  }

  /** Who holds the modules, OpenOnload's and in-tree `sfc`. */
  async users(): Promise<ModuleUser[]> {
    return (await this.#run("users", {}, moduleUsers)).users;
  }

  /** Loads the kernel's own driver for Solarflare ports, where OpenOnload's isn't live any more. */
  async loadKernelDriver(): Promise<void> {
    await this.#run("driver", {}, changed);
  }

  /**
   * Ends this boot, and no other.
   *
   * @param mokTimeout seconds that MokManager waits for a key; -1 for ever; absent when it has nothing to ask
   * @returns the firmware's boot entry that was chosen, so that MokManager is reached; undefined for the firmware's own choice
   */
  async reboot(bootId: string, mokTimeout?: number): Promise<string | undefined> {
    const input = { "boot-id": bootId, ...(mokTimeout !== undefined && { timeout: String(mokTimeout) }) };
    const answer = z.object({ bootId: z.string(), bootNext: z.string().nullable() });
    return (await this.#run("reboot", input, answer)).bootNext ?? undefined;
  }

  async #run<T>(tool: NodeTool, input: Record<string, string>, schema: z.ZodType<T>): Promise<T> {
    const [library, text] = await Promise.all([toolText("lib"), toolText(tool)]);
    const { code, stdout, stderr } = await runRemote(
      this.#target,
      toolCommand(library, text),
      toolInput(input),
      this.#limits,
    ).catch((error: unknown) => {
      throw error instanceof Unreachable ? new Unreachable(`${this.#name}: ${error.message}`) : error;
    });
    if (code !== 0) {
      throw new ToolFailure(
        `${this.#name}: ${tool}.sh failed on the node (exit code ${code}): ${excerpt(stderr.trim(), longestString) || "no reason given"}`,
      );
    }
    return answerIn(stdout, schema, `${this.#name}: ${tool}.sh`);
  }
}

/**
 * What a tool printed, its strings short and fit to be shown.
 *
 * @param who gave it, for the error
 * @throws ToolFailure when it isn't what the tool prints
 */
export function answerIn<T>(stdout: string, schema: z.ZodType<T>, who: string): T {
  const answer = schema.safeParse(parsed(stdout));
  if (answer.success) return answer.data;
  const why = excerpt(z.prettifyError(answer.error), longestString);
  throw new ToolFailure(`${who} gave an answer that this program doesn't understand: ${why}`);
}

/** What the phases ask of a machine, real or fake. */
export type Machine = Pick<NodeMachine, keyof NodeMachine>;

/** Characters of the longest string that a tool has reason to print: a device path, a line of modprobe.d. */
const longestString = 2000;

/** A node's words reach plans, messages and terminals. */
const shortText = (text: string): string => excerpt(cleanText(text), longestString);

/** What a tool printed, if it is JSON. */
function parsed(stdout: string): unknown {
  try {
    return JSON.parse(stdout, (_, value: unknown) => (typeof value === "string" ? shortText(value) : value));
  } catch {
    return undefined;
  }
}

const toolText = (name: string): Promise<string> => readFile(`assets/node/${name}.sh`, "utf8");
