/**
 * The inner half of KMM's webhook server, in a network namespace of its own: `fenced.ts API-PORT WEBHOOK-PORT COMMAND…`.
 * Here the API server has the port that it has outside; both ways lead through Unix sockets, which namespaces share.
 * Ends with the command, and ends it when stdin closes: then the outer half is gone.
 */
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { sockets } from "./constants.ts";
import { relay } from "./relay.ts";

const [apiPort, webhookPort, command = "", ...args] = process.argv.slice(2);

rmSync(sockets.webhook, { force: true });
await relay({ host: "127.0.0.1", port: Number(apiPort) }, { path: sockets.api });
await relay({ path: sockets.webhook }, { host: "127.0.0.1", port: Number(webhookPort) });
const server = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"] });
server.once("error", (error) => {
  console.error(String(error));
  process.exit(1);
});
server.once("exit", (code) => process.exit(code ?? 1));
process.stdin.once("end", () => server.kill("SIGKILL")).resume();
