/**
 * Opens a sandbox node's serial console on this terminal: `node sandbox/nodes/console.ts [--dir DIR] NODE`. What is
 * typed goes to the node, what the node writes appears; Ctrl-] ends it, as in `virsh console`, or the end of the input.
 */
import { connect } from "node:net";
import { parseArgs } from "node:util";
import { stateDirectory } from "../paths.ts";
import { readAccess } from "./access.ts";

const LEAVE = 0x1d;

const { values, positionals } = parseArgs({ options: { dir: { type: "string" } }, allowPositionals: true });
const [name = ""] = positionals;
const access = readAccess(stateDirectory(values.dir)).find((entry) => entry.name === name);
if (access === undefined) {
  console.error(`console: no node "${name}" in the sandbox in ${stateDirectory(values.dir)}`);
  process.exit(1);
}

const line = connect(access.consolePort, "127.0.0.1");
line.setNoDelay(true);
line.on("error", (error) => {
  console.error(`console: ${name}: ${error.message}`);
  process.exitCode = 1;
});
line.on("data", (bytes) => process.stdout.write(bytes));
line.on("close", () => {
  if (process.stdin.isTTY) process.stdin.setRawMode(false);
  process.stdin.destroy();
});
if (process.stdin.isTTY) {
  process.stdin.setRawMode(true);
  console.error(`console: ${name}; Ctrl-] ends it`);
}
process.stdin.on("data", (bytes: Buffer) => {
  if (process.stdin.isTTY && bytes.includes(LEAVE)) line.destroy();
  else line.write(bytes);
});
process.stdin.on("end", () => line.end());
