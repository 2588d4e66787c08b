import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { defaultLine, type Line, type LineName, LINES } from "../../kmm/lines.ts";
import { Informer, Kube, type KubeObject, type Resource } from "../../kube.ts";
import { kubeconfigFile } from "../../controlPlane/credentials.ts";
import {
  MBSCS,
  MICS,
  type ModuleContainer,
  MODULES,
  NAMESPACES,
  NODES,
  SECRETS,
  CONFIG_MAPS,
} from "../../kmm/resources.ts";
import { type Build, builds } from "../../openshift/resources.ts";
import { Registry } from "../../openshift/registry.ts";
import { type Sandbox, startSandbox } from "../../sandbox.ts";
import { kmmUnderTest } from "./underTest.ts";
import type { SwitchName } from "../../switches.ts";

/** The kernel of the sandbox's nodes. */
export const KERNEL = "5.14.0-570.49.1.el9_6.x86_64";
/** A kernel that has a Driver Toolkit and no node. */
export const NEXT_KERNEL = "5.14.0-570.62.1.el9_6.x86_64";
const REGISTRY = "image-registry.openshift-image-registry.svc:5000";
const UBI = "registry.access.redhat.com/ubi9/ubi-minimal:9.6";

/** Where a naive Module's image has a file that can be signed. */
export const SIGNED_FILE = "/opt/lib/modules/cp";
/** Dockerfiles of naive Modules. */
export const GOOD = `FROM ${UBI}\nCOPY --from=${UBI} /usr/bin/cp ${SIGNED_FILE}\nRUN true\n`;
export const BAD = `FROM ${UBI}\nRUN false\n`;
export const FIXED = `${GOOD}RUN echo fixed\n`;

/** The KMM that the tests are about: `npm run test:kmm -- --kmm …` names one; else undefined. */
export const askedFor = (): LineName | undefined => kmmUnderTest.asked;

const serviceAccounts: Resource = {
  group: "",
  version: "v1",
  plural: "serviceaccounts",
  kind: "ServiceAccount",
  namespaced: true,
};

/** A sandbox, straight at its API server as an administrator, and its registry's records. */
export class Lab {
  readonly sandbox: Sandbox;
  readonly kube: Kube;
  readonly registry: Registry;
  #line: LineName;

  private constructor(sandbox: Sandbox, kube: Kube, line: LineName) {
    this.#line = line;
    this.sandbox = sandbox;
    this.kube = kube;
    this.registry = Registry.open(sandbox.dir);
  }

  /** With the KMM that is under test, else this one. */
  static async start(otherwise: LineName = defaultLine): Promise<Lab> {
    const kmm = askedFor() ?? otherwise;
    const { kmmFolder } = kmmUnderTest;
    const which = kmmFolder === undefined ? { kmm } : { kmmFolder };
    const sandbox = await startSandbox({ nodes: 2, secureBoot: false, ...which });
    const lab = new Lab(sandbox, await Kube.fromKubeconfig(kubeconfigFile(sandbox.dir, "standins.kubeconfig")), kmm);
    await lab.set({ "build.seconds": "0.1" });
    return lab;
  }

  /** What this KMM does that others don't. */
  get line(): Line {
    return LINES[this.#line];
  }

  /** Goes on with a later KMM. */
  async upgrade(kmm: LineName): Promise<void> {
    await this.sandbox.upgradeKmm({ kmm });
    this.#line = kmm;
    await until("the API server to find the later KMM's webhook", () => this.#webhookAnswers());
  }

  /** The API server keeps its connection to a webhook, and may learn only by a failed call that the server is another. */
  async #webhookAnswers(): Promise<boolean> {
    const [apiVersion, kind] = ["kmm.sigs.x-k8s.io/v1beta1", "Module"];
    const module = { apiVersion, kind, metadata: { name: "probe", namespace: "default" }, spec: { selector: {} } };
    try {
      await this.sandbox.kubectl(["create", "--dry-run=server", "-f", "-"], JSON.stringify(module));
      return true;
    } catch (error) {
      // Its own refusal is an answer, too.
      return !/failed calling webhook/.test((error as Error).message);
    }
  }

  /** Sets switches; null takes one off. */
  set(switches: Partial<Record<SwitchName, string | null>>): Promise<void> {
    return this.sandbox.setSwitches(switches);
  }

  /** KMM's processes die. */
  async killKmm(): Promise<void> {
    for (const name of kmmUnderTest.processes) await this.sandbox.kill(name);
  }

  /** They are started again, and serve. */
  async startKmm(): Promise<void> {
    for (const name of kmmUnderTest.processes) await this.sandbox.start(name);
  }

  async stop(): Promise<void> {
    this.kube.close();
    await this.sandbox.stop({ purge: true });
  }

  /** A namespace with what a Module needs, on the given nodes; its Module goes when the test ends. */
  async scene(t: TestContext, name: string, options: SceneOptions = {}): Promise<Scene> {
    const scene = new Scene(this, name, options);
    t.after(() => scene.end());
    await scene.prepare();
    return scene;
  }
}

/** The switches that tests set. */
const ALL_OFF: Partial<Record<SwitchName, null>> = {
  "build.hang": null,
  "build.fail": null,
  "sign.fail": null,
  "pull.fail": null,
  "node.in-use": null,
};

export interface SceneOptions {
  nodes?: string[];
  dockerfile?: string;
}

/** Milliseconds until a test gives up: a loaded machine is slow. */
const PATIENCE = 120_000;

/** Asks until the answer is neither undefined nor false; an error that names `what` when the time is up. */
export async function until<T>(what: string, ask: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > deadline) throw new Error(`timed out: ${what}`);
    await sleep(25);
  }
}

/** A finalizer of the tests' own. */
const HELD = "scene.test/held";

/** A Build as a {@link Scene} saw it last. */
interface SeenBuild {
  name: string;
  type: string;
  tag: string;
  phase: string;
}

/** One namespace with one Module named `onload`, as somebody who trusts KMM would write it. */
export class Scene {
  readonly lab: Lab;
  readonly namespace: string;
  readonly target: { namespace: string; name: string };
  readonly #nodes: string[];
  readonly #dockerfile: string;
  readonly #recorder: Informer<Build>;
  /** Every Build that was ever seen, by UID, in order. */
  readonly #seen = new Map<string, Build>();

  constructor(lab: Lab, namespace: string, { nodes = ["worker-1"], dockerfile = GOOD }: SceneOptions) {
    this.lab = lab;
    this.namespace = namespace;
    this.target = { namespace, name: "onload" };
    this.#nodes = nodes;
    this.#dockerfile = dockerfile;
    const changed = (build: Build): unknown => this.#seen.set(build.metadata.uid ?? "", build);
    this.#recorder = new Informer(lab.kube, builds, { changed }, { namespace });
  }

  async prepare(): Promise<void> {
    const { kube } = this.lab;
    const { namespace } = this;
    await kube.create(NAMESPACES, { metadata: { name: namespace } });
    await kube.create(serviceAccounts, { metadata: { namespace, name: "loader" } });
    await this.setDockerfile(this.#dockerfile);
    await this.setKey("not a key", "not a certificate");
    for (const name of this.#nodes)
      await kube.patch(NODES, { name }, { metadata: { labels: { [this.selector]: "" } } });
    await this.#recorder.synced();
  }

  /** The label by which the Module selects its nodes. */
  get selector(): string {
    return `scene.test/${this.namespace}`;
  }

  image(tag: string): string {
    return `${REGISTRY}/${this.namespace}/onload-kmod:${tag}-${KERNEL}`;
  }

  async setDockerfile(dockerfile: string): Promise<void> {
    const metadata = { namespace: this.namespace, name: "dockerfile" };
    const object: KubeObject & { data: Record<string, string> } = { metadata, data: { dockerfile } };
    await this.lab.kube.apply(CONFIG_MAPS, object);
  }

  /** Both Secrets; data that are no key and no certificate make every signature fail. */
  async setKey(key: string, cert: string): Promise<void> {
    for (const [name, data] of Object.entries({ key, cert })) {
      const metadata = { namespace: this.namespace, name };
      await this.lab.kube.apply(SECRETS, { metadata, data: { [name]: Buffer.from(data).toString("base64") } });
    }
  }

  /** Applies the Module with this tag. */
  async apply(tag: string, container: Partial<ModuleContainer> = {}): Promise<void> {
    const image = this.image(tag).replace(KERNEL, "${KERNEL_FULL_VERSION}");
    const mapping = { regexp: "^.+$", containerImage: image };
    const module = {
      metadata: this.target,
      spec: {
        selector: { [this.selector]: "" },
        moduleLoader: {
          serviceAccountName: "loader",
          container: {
            modprobe: { moduleName: "onload" },
            kernelMappings: [mapping],
            build: { dockerfileConfigMap: { name: "dockerfile" } },
            // Without the nodes' version label nothing is loaded: most scenes are about images only.
            version: "1",
            ...container,
          },
        },
      },
    };
    await this.lab.kube.apply(MODULES, module, "test");
  }

  /** `sign` of a Module with the two Secrets. */
  get signing(): Partial<ModuleContainer> {
    return { sign: { keySecret: { name: "key" }, certSecret: { name: "cert" }, filesToSign: [SIGNED_FILE] } };
  }

  /** What the ModuleImagesConfig says about this tag's image. */
  async state(tag: string): Promise<string | undefined> {
    const mic = await this.lab.kube.find(MICS, this.target);
    return mic?.status?.imagesStates?.find(({ image }) => image === this.image(tag))?.status;
  }

  async untilState(tag: string, state: string): Promise<void> {
    await until(`${this.namespace}: image ${tag} to be ${state}`, async () => (await this.state(tag)) === state);
  }

  /** {@link builds}, once the watch behind it has caught up with the Builds that are there now. */
  async allBuilds(): Promise<SeenBuild[]> {
    const living = await this.livingBuilds();
    await until(`${this.namespace}: the watch to catch up`, () =>
      Promise.resolve(
        living.every(({ metadata: { uid = "", resourceVersion = "" } }) => this.#isAt(uid, resourceVersion)),
      ),
    );
    return this.builds();
  }

  /** Whether this Build was seen in this version or a later one. */
  #isAt(uid: string, version: string): boolean {
    return Number(this.#seen.get(uid)?.metadata.resourceVersion ?? 0) >= Number(version);
  }

  /** The Builds that were ever there, oldest first: what they push to, and how they were last seen. */
  builds(): SeenBuild[] {
    return [...this.#seen.values()].map(({ metadata, spec, status }) => ({
      name: metadata.name ?? "",
      type: metadata.labels?.["kmm.openshift.io/build.type"] ?? "",
      tag: /:([^-]+)-/.exec(spec.output?.to?.name.slice(REGISTRY.length) ?? "")?.[1] ?? "",
      phase: status?.phase ?? "",
    }));
  }

  /** The Builds that are there now. */
  async livingBuilds(): Promise<Build[]> {
    return (await this.lab.kube.list(builds, { namespace: this.namespace })).items;
  }

  /**
   * Keeps the failed Build from going when KMM deletes it; what it returns waits for that deletion, and for the round after
   * it, and lets the Build go.
   */
  async holdFailedBuild(): Promise<() => Promise<void>> {
    const failed = (await this.livingBuilds()).find(({ status }) => status?.phase === "Failed");
    const target = { namespace: this.namespace, name: failed?.metadata.name ?? "" };
    const set = (finalizers: string[]) => this.lab.kube.patch(builds, target, { metadata: { finalizers } });
    // KMM takes one of its two off when it has told of the failure, the other when the Build is deleted.
    const lastLeft = (what: string): Promise<string> =>
      until(`${this.namespace}: KMM ${what}`, async () => {
        const { finalizers = [] } = (await this.lab.kube.get(builds, target)).metadata;
        return finalizers.length === 1 && finalizers[0];
      });
    await set([await lastLeft("to have told of the failed Build"), HELD]);
    return async () => {
      await lastLeft("to let its failed Build go");
      await this.settled();
      await set([]);
    };
  }

  async deleteMbsc(): Promise<void> {
    await this.lab.kube.delete(MBSCS, this.target);
  }

  /** Until KMM has written nothing to the Module for half a second: what it was still about to do is done. */
  async settled(): Promise<void> {
    let last: string | undefined;
    let since = Date.now();
    await until("KMM to come to rest", async () => {
      const now = (await this.lab.kube.get(MODULES, this.target)).metadata.resourceVersion;
      if (now !== last) since = Date.now();
      last = now;
      return Date.now() - since > 500;
    });
  }

  /** Makes KMM look again, as an annotation by hand does. */
  async touchModule(): Promise<void> {
    const annotations = { "test/touched": String(Date.now()) };
    await this.lab.kube.patch(MODULES, this.target, { metadata: { annotations } });
  }

  /** Puts an image with an `onload.ko` and a `sfc.ko` into the registry, without any Build. */
  pushImage(tag: string, version = "1.0"): void {
    const kmod = (module: string) => ({ kind: "kmod" as const, module, kernel: KERNEL, version, depends: [] });
    const directory = `/opt/lib/modules/${KERNEL}`;
    const files = {
      "/bin/sh": {},
      [`${directory}/extra/onload.ko`]: kmod("onload"),
      [`${directory}/extra/sfc.ko`]: kmod("sfc"),
      [`${directory}/modules.dep`]: {},
    };
    this.lab.registry.push(this.image(tag), { createdBy: `test ${tag}`, config: {}, files });
  }

  /** Ends the scene: the Module, the nodes' labels and the switches go; the namespace stays, out of everybody's way. */
  async end(): Promise<void> {
    const { kube } = this.lab;
    await this.lab.set(ALL_OFF);
    await kube.delete(MODULES, this.target);
    await until(
      `${this.namespace}: the Module to be gone`,
      async () => (await kube.find(MODULES, this.target)) === undefined,
    );
    for (const name of this.#nodes)
      await kube.patch(NODES, { name }, { metadata: { labels: { [this.selector]: null } } });
    await this.#recorder.stop();
  }
}
