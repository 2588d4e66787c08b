/** Host and port of an address that the configuration gives: `host`, `host:2222`, `[::1]`, `[::1]:2222`. */
export function parseAddress(address: string): { readonly host: string; readonly port: number } {
  const [, host = address, port = "22"] = /^(.+?)(?::(\d+))?$/.exec(address) ?? [];
  return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
}

/** The address in a console's setting `tcp:HOST:PORT`; undefined for one of another kind. */
export const tcpConsole = (console: string): string | undefined => /^tcp:(.*)$/.exec(console)?.[1];

/** What a console's setting may be: a command, or `tcp:` and an address with a port, IPv6 in brackets. */
export const consoleForm = /^(?!tcp:)|^tcp:(\[[0-9A-Fa-f:.]+\]|[^\s:[\]@/]+):\d{1,5}$/;
