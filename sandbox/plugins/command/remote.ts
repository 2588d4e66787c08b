/**
 * `command:remote:Command`. Left out, and refused by name: a proxy, and variables (`environment`,
 * `addPreviousOutputInEnv`), which only work where sshd has an `AcceptEnv` for them.
 */
import type { Client, ClientChannel } from "ssh2";
import type { CheckFailure, CheckResult } from "../core/provider.ts";
import { hasUnknown, isObject, isUnknown, type PropertyMap, reveal, secret, type Value } from "../core/values.ts";
import { connectionSettings, dial } from "./connection.ts";
import { checkInputs, commandSettings, type InputKinds } from "./inputs.ts";
import { type CommandOutput, OutputCollector } from "./output.ts";
import { commandResource } from "./resource.ts";
import type { RunContext } from "./shell.ts";

const COMMAND: InputKinds = {
  connection: "object",
  create: "string",
  update: "string",
  delete: "string",
  stdin: "string",
  logging: "string",
  triggers: "any",
  addPreviousOutputInEnv: "boolean",
};

const CONNECTION: InputKinds = {
  host: "string",
  port: "number",
  user: "string",
  privateKey: "string",
  privateKeyPassword: "string",
  password: "string",
  agentSocketPath: "string",
  hostKey: "string",
  dialErrorLimit: "number",
  perDialTimeout: "number",
};

/** Secret wherever the connection is shown. */
const CREDENTIALS = ["privateKey", "privateKeyPassword", "password"];

/** Defaults that the real plugin writes into the inputs. */
const DEFAULTS: PropertyMap = { dialErrorLimit: 10, perDialTimeout: 15, port: 22, user: "root" };

function check(inputs: PropertyMap): CheckResult {
  const failures = [
    ...checkInputs(inputs, COMMAND, ["environment"]),
    ...checkConnection(inputs.connection),
    ...checkPreviousOutput(inputs),
  ];
  if (inputs.connection === undefined) return { inputs, failures };
  return { inputs: { ...inputs, connection: markConnection(inputs.connection) }, failures };
}

function checkConnection(wrapped: Value | undefined): CheckFailure[] {
  const connection = reveal(wrapped ?? null);
  if (!isObject(connection)) return isUnknown(connection) ? [] : [{ property: "connection", reason: "is required" }];
  const failures = checkInputs(connection, CONNECTION, ["proxy"]);
  if (connection.host === undefined) failures.push({ property: "host", reason: "is required" });
  return failures.map(({ property, reason }) => ({ property: `connection.${property}`, reason }));
}

function checkPreviousOutput(inputs: PropertyMap): CheckFailure[] {
  const value = reveal(inputs.addPreviousOutputInEnv ?? true);
  if (value === false || hasUnknown(value)) return [];
  const reason = "the stand-in for remote.Command does not pass the previous output on: set it to false";
  return [{ property: "addPreviousOutputInEnv", reason }];
}

/** With the defaults, secret as a whole and its credentials once more. */
function markConnection(wrapped: Value): Value {
  const connection = reveal(wrapped);
  if (!isObject(connection)) return secret(connection);
  const marked: PropertyMap = { ...DEFAULTS, ...connection };
  for (const name of CREDENTIALS) if (marked[name] !== undefined) marked[name] = secret(marked[name]);
  return secret(marked);
}

async function runRemotely(command: string, properties: PropertyMap, context: RunContext): Promise<CommandOutput> {
  const { stdin, logs } = commandSettings(properties);
  const settings = connectionSettings(reveal(properties.connection ?? null));
  const client = await dial(settings, context);
  const collector = new OutputCollector(context.log, context.urn, logs);
  try {
    const failure = await execute(client, { command, stdin: stdin ?? "" }, collector);
    await collector.end();
    if (failure !== undefined) throw collector.failure(failure, command);
    return collector.result();
  } finally {
    client.end();
  }
}

/** Runs the command to its end; resolves with why it failed in Go's words, or nothing. */
function execute(
  client: Client,
  { command, stdin }: { command: string; stdin: string },
  collector: OutputCollector,
): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    client.exec(command, (error, channel) => {
      // Listeners must be there before this callback returns: a short command's end may be in the same packet.
      if (error === undefined) follow(channel, collector, resolve).end(stdin);
      else reject(error);
    });
  });
}

function follow(
  channel: ClientChannel,
  collector: OutputCollector,
  done: (failure: string | undefined) => void,
): ClientChannel {
  let failure: string | undefined = "wait: remote command exited without exit status or exit signal";
  channel.on("data", (bytes: Buffer) => collector.add("stdout", bytes));
  channel.stderr.on("data", (bytes: Buffer) => collector.add("stderr", bytes));
  channel.on("exit", (code: number | null, signal?: string) => {
    failure = code === null ? `Process exited with status 0 from signal ${signal ?? ""}` : exitWords(code);
  });
  channel.once("close", () => done(failure));
  return channel;
}

function exitWords(code: number): string | undefined {
  return code === 0 ? undefined : `Process exited with status ${code}`;
}

/** A command that runs on another machine when it is created, changed or deleted. */
export const remoteCommand = commandResource(check, runRemotely);
