/** What the tests on the machine have in common: one machine, one signing pair, and the driver at its console. */
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { openConsole } from "../../steps/firmware/console/consoleCommand.ts";
import { type Outcome, enrolOverConsole } from "../../steps/firmware/console/mokManager.ts";
import { type MachineImages, buildMachine } from "@onload-kmm/secure-boot/build";
import { Machine } from "@onload-kmm/secure-boot/machine";
import { answerOf } from "@onload-kmm/secure-boot/onNode";
import { password } from "@onload-kmm/secure-boot/passwords";
import { ScreenRecorder } from "@onload-kmm/secure-boot/screens";
import { type SigningPair, makeSigningPair } from "@onload-kmm/secure-boot/signing";

/** Progress for a person who waits; node:test shows it as a comment. */
export const log = (line: string): void => void process.stderr.write(`# ${line}\n`);

/** A powered-off machine and what belongs to a run of the tests. */
export class Bench {
  readonly recorder = new ScreenRecorder();
  readonly directory: string;
  readonly images: MachineImages;
  readonly machine: Machine;
  /** The stack's key, which is to be enrolled. */
  readonly pair: SigningPair;

  private constructor(directory: string, images: MachineImages, machine: Machine, pair: SigningPair) {
    this.directory = directory;
    this.images = images;
    this.machine = machine;
    this.pair = pair;
  }

  /** Builds what isn't built yet. */
  static async open(): Promise<Bench> {
    const directory = await mkdtemp(path.join(os.tmpdir(), "onload-kmm-machine-"));
    const images = await buildMachine(log);
    const machine = await Machine.create(images, path.join(directory, "machine"));
    return new Bench(directory, images, machine, await makeSigningPair(directory, "OnloadModules"));
  }

  /** The certificate as the on-node tools take it. */
  get certificate(): string {
    return this.pair.certificate.raw.toString("base64");
  }

  /** A path in the run's own folder. */
  file(name: string): string {
    return path.join(this.directory, name);
  }

  /** The key's state by state.sh. */
  async keyState(): Promise<unknown> {
    return (await answerOf(this.machine, "state", { certificate: this.certificate }))["key"];
  }

  /** Lets the driver answer at the console, until `signal` aborts; `story` is the heading under which its screens are recorded. */
  async drive(story: string, signal?: AbortSignal): Promise<Outcome> {
    return enrolOverConsole({
      console: await openConsole(this.machine.console),
      password,
      certificate: this.pair.certificate,
      log,
      deadlineSeconds: 900,
      ...(signal !== undefined && { signal }),
      recordScreen: this.recorder.story(story),
    });
  }

  /** Power off, and on again with the UEFI variables of the file `variables` (default: as they are). */
  async restart(variables?: string): Promise<void> {
    await this.machine.powerCut();
    await this.machine.start(variables === undefined ? {} : { variables });
  }

  /** Powers off and removes everything; the recorded screens are kept under the name `recording` if given. */
  async close(recording?: string): Promise<void> {
    await this.machine.destroy();
    if (recording !== undefined) await this.recorder.save(recording);
    await rm(this.directory, { recursive: true, force: true });
  }
}
