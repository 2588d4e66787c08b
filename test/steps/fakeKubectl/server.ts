/** Takes the calls of `bin/kubectl` in the test's own process, so that a test that waits for a call acts before the next one. */
import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { answer, willFail, type Answer } from "./kubectl.ts";
import { serveProxy } from "./proxy.ts";
import type { Store } from "./store.ts";

/** The clusters of this process, by their kubeconfig's path, and who is told of each call. */
export interface Served {
  readonly store: Store;
  readonly called: () => void;
}
export const clusters = new Map<string, Served>();

/** Port on the loopback interface. The server keeps no process alive. */
export const port = await new Promise<number>((resolve) => {
  const server = createServer(receive).unref();
  server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
});

/** Reads what `bin/kubectl` writes: the number of arguments, the file with its input, the arguments, each with a NUL. */
function receive(socket: Socket): void {
  let received = "";
  socket.setEncoding("utf8").on("data", (text: string) => {
    received += text;
    const [count = "", input = "", ...rest] = received.split("\0");
    if (rest.length <= Number(count)) return;
    socket.removeAllListeners("data");
    reply(socket, rest.slice(0, -1), input === "" ? Buffer.alloc(0) : inputIn(input));
  });
  // A step that is done with a log ends kubectl, as it may.
  socket.on("error", () => undefined);
}

/** Empty where the test is over, and its directory gone. */
const inputIn = (file: string): Buffer => (existsSync(file) ? readFileSync(file) : Buffer.alloc(0));

/** Bash reads byte by byte, which for a short answer is sooner done than a program started; it knows no NUL. */
const lengthOf = ({ code, text }: Answer): "short" | "long" =>
  code !== 0 || (text.length < 4096 && !text.includes("\0")) ? "short" : "long";

function reply(socket: Socket, args: readonly string[], input: Buffer): void {
  // Every command names its kubeconfig first.
  const cluster = clusters.get(args[1] ?? "");
  if (cluster === undefined || !existsSync(dirname(args[1] ?? ""))) {
    socket.end(`1 short\nerror: stat ${args[1] ?? ""}: no such file or directory\n`);
    return;
  }
  if (args[4] === "proxy" && !willFail(cluster.store, args)) {
    serveProxy(socket, cluster.store, args, cluster.called);
    return;
  }
  const given = answer(cluster.store, args, input);
  cluster.called();
  if (cluster.store.held.some((part) => args.join(" ").includes(part))) return;
  // Only then goes the answer out.
  setImmediate(() => socket.end(`${given.code} ${lengthOf(given)}\n${given.text}`));
}
