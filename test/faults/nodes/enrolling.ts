/** A scene with Secure Boot on: nodes whose firmware has no key yet, people at their consoles, and what the cluster saw. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { annotations } from "../../../core/names.ts";
import { readAccess } from "@onload-kmm/sandbox/nodes/access";
import { controlNode } from "@onload-kmm/sandbox/nodes/control";
import type { Machine } from "@onload-kmm/sandbox/nodes/machine";
import { attend } from "@onload-kmm/sandbox/nodes/person";
import type { StackConfig } from "../../stack/stack.ts";
import { patience } from "../running.ts";
import { Scene } from "../scene.ts";

/** What everybody in these tests types into MokManager, unless they get it wrong. */
const password = "faultsMokPassword1";

interface EnrollingOptions {
  readonly nodes: number;
  readonly mode: "attended" | "console" | "operator";
  readonly enrolment?: Record<string, unknown>;
  readonly rollout?: Record<string, unknown>;
}

/** Somebody at a console, until they leave. */
interface Person {
  /** What they saw and did. */
  readonly said: readonly string[];
  leave(): Promise<void>;
}

export class Enrolling {
  readonly scene: Scene;
  readonly #people: Person[] = [];

  private constructor(scene: Scene) {
    this.scene = scene;
  }

  static async start(options: EnrollingOptions): Promise<Enrolling> {
    const { nodes, mode, enrolment, rollout = {} } = options;
    const scene = await Scene.start({
      nodes,
      secureBoot: true,
      configure: ({ config }) => {
        config["onload-kmm:enrolment"] = { mode, timeoutMinutes: 15, ...enrolment };
        config["onload-kmm:rollout"] = rollout;
      },
    });
    const { stack } = scene;
    const secret = ["config", "set", "--secret", "onload-kmm:mokPassword", password];
    const set = await stack.pulumi(...secret, "--stack", "dev", "--config-file", stack.configFile);
    assert.equal(set.exitCode, 0, set.output);
    return new Enrolling(scene);
  }

  async end(): Promise<void> {
    await this.leave();
    await this.scene.end();
  }

  /** Changes keys of the configuration; what isn't given stays. */
  async configure(change: (config: StackConfig["config"]) => void): Promise<void> {
    const stack = await this.scene.stack.config();
    change(stack.config);
    await this.scene.stack.configure(stack);
  }

  /** Changes settings of one listed node. */
  async configureNode(node: string, values: object): Promise<void> {
    await this.configure((config) => {
      const listed = config["onload-kmm:nodes"] as { name: string }[];
      config["onload-kmm:nodes"] = listed.map((each) => (each.name === node ? { ...each, ...values } : each));
    });
  }

  /** Changes parts of `enrolment` and `rollout`. */
  async limit(enrolment: Record<string, unknown>, rollout: Record<string, unknown> = {}): Promise<void> {
    await this.configure((config) => {
      config["onload-kmm:enrolment"] = { ...(config["onload-kmm:enrolment"] as object), ...enrolment };
      config["onload-kmm:rollout"] = { ...(config["onload-kmm:rollout"] as object), ...rollout };
    });
  }

  /** Somebody sits down at these nodes' consoles, with this password in hand. */
  attend(nodes: readonly string[], typed = password): Person {
    const gone = new AbortController();
    const said: string[] = [];
    const tell = (line: string): unknown => said.push(line);
    const sitting = nodes.map((node) =>
      attend({ port: this.consolePort(node), password: () => typed, tell, signal: gone.signal }),
    );
    const person = {
      said,
      leave: async () => {
        gone.abort();
        await Promise.all(sitting);
      },
    };
    this.#people.push(person);
    return person;
  }

  /** Everybody leaves the consoles. */
  async leave(): Promise<void> {
    await Promise.all(this.#people.splice(0).map((person) => person.leave()));
  }

  /** Somebody presses Enter at the first menu that MokManager shows on the node: `Continue boot`. */
  async bootOn(node: string): Promise<void> {
    await this.#seen(node, /Perform MOK management[^]*hash from disk/, "\r");
  }

  /** Resolves when MokManager shows its first menu on the node's console; somebody who connects later sees it stand still. */
  async mokManager(node: string): Promise<void> {
    await this.#seen(node, /Perform MOK management[^]*hash from disk/);
  }

  /** New mainboards: other system UUIDs, and firmware that knows no key. */
  async renew(...nodes: readonly string[]): Promise<void> {
    for (const node of nodes) await this.hand(node, "replaceMainboard");
  }

  /** Does something to a machine that boots it, and waits until the cluster has it back. */
  async hand(node: string, ...actions: ("replaceMainboard" | "reinstall" | "reset")[]): Promise<void> {
    const old = await this.bootId(node);
    for (const action of actions) await controlNode(this.scene.stack.sandbox.dir, node, action);
    await this.scene.until(`${node} to boot`, async () => (await this.bootId(node)) !== old);
    await this.scene.kubectl("wait", `node/${node}`, "--for=condition=Ready", `--timeout=${patience}s`);
  }

  /** Its next boot starts another kernel. */
  async upgrade(node: string, next: { readonly kernel: string; readonly osImage: string }): Promise<void> {
    await controlNode(this.scene.stack.sandbox.dir, node, "upgrade", next);
  }

  async bootId(node: string): Promise<string | undefined> {
    const info = (await this.scene.get("node", node))?.status?.["nodeInfo"] as { bootID: string } | undefined;
    return info?.bootID;
  }

  machine(node: string): Promise<Machine> {
    return this.scene.machine(node);
  }

  /** How often the node's kubelet has told of a new boot. */
  async boots(node: string): Promise<number> {
    const selector = `reason=Rebooted,involvedObject.name=${node}`;
    return (await this.scene.list("events", "-n", "default", "--field-selector", selector)).length;
  }

  /** Runs `up`, which must fail for this reason. */
  async fails(...reasons: RegExp[]): Promise<string> {
    const { exitCode, output } = await this.scene.stack.up();
    assert.notEqual(exitCode, 0, output);
    for (const reason of reasons) assert.match(output, reason);
    return output;
  }

  /** The same command again, with somebody at every console: it must end in the full state. */
  async recovers(...nodes: readonly string[]): Promise<string> {
    const person = this.attend(nodes);
    const output = await this.scene.again("up");
    await person.leave();
    await this.scene.assertFull();
    return output;
  }

  /** That these nodes are cordoned by us, and no other is cordoned at all. */
  async assertCordoned(...expected: readonly string[]): Promise<void> {
    const nodes = await this.scene.list("nodes");
    const cordoned = nodes.filter(({ spec }) => spec?.["unschedulable"] === true);
    assert.deepEqual(cordoned.map(({ metadata }) => metadata.name).sort(), [...expected].sort());
    for (const { metadata } of cordoned) assert.equal(metadata.annotations?.[annotations.cordonedBy], "dev");
  }

  /** Port of the node's serial console on 127.0.0.1. */
  consolePort(node: string): number {
    const access = readAccess(this.scene.stack.sandbox.dir).find(({ name }) => name === node);
    return access?.consolePort ?? assert.fail(`no console of ${node}`);
  }

  async #seen(node: string, pattern: RegExp, answer?: string): Promise<void> {
    const line = connect(this.consolePort(node), "127.0.0.1");
    let seen = "";
    await new Promise<void>((resolve, reject) => {
      line.on("error", reject);
      line.on("data", (bytes) => {
        seen = (seen + bytes.toString()).replaceAll(/\u001b\[[0-9;]*[A-Za-z]/g, " ");
        if (!pattern.test(seen)) return;
        if (answer === undefined) line.destroy();
        else line.end(answer);
        resolve();
      });
    });
  }
}
