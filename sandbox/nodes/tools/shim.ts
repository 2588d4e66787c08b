/**
 * What stands on a sandbox node's PATH for a command that is played: hands the call to the process that plays the
 * nodes, and ends as it says. Call: `node shim.ts TOOL ARGUMENT…`, with ONLOAD_SANDBOX_{PORT,TOKEN,NODE} set.
 */
import { connect } from "node:net";
import { text } from "node:stream/consumers";

const [tool = "", ...args] = process.argv.slice(2);
const env = process.env;
// mokutil asks for a password unless a hash is given. Nothing else here reads stdin, and the caller may still need it.
const asks = tool === "mokutil" && args.some((word) => /^(--import|-i|--delete|-d)$/.test(word));
const stdin = asks && !args.includes("--hash-file") ? await text(process.stdin) : undefined;

const socket = connect(Number(env["ONLOAD_SANDBOX_PORT"]), "127.0.0.1");
const { ONLOAD_SANDBOX_TOKEN: token, ONLOAD_SANDBOX_NODE: node } = env;
const root = env["ONLOAD_SANDBOX_ROOT"] === "yes";
socket.end(`${JSON.stringify({ token, node, tool, args, root, cwd: process.cwd(), stdin })}\n`);
const answer = JSON.parse(await text(socket)) as { code: number; stdout: string; stderr: string };
process.stdout.write(answer.stdout);
process.stderr.write(answer.stderr);
process.exitCode = answer.code;
