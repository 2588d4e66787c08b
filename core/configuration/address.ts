/** Host and port of an address that the configuration gives: `host`, `host:2222`, `[::1]`, `[::1]:2222`. */
export function parseAddress(address: string): { readonly host: string; readonly port: number } {
  const [, host = address, port = "22"] = /^(.+?)(?::(\d+))?$/.exec(address) ?? [];
  return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
}

/** The address in a console's setting `tcp:HOST:PORT`; undefined for one of another kind. */
export const tcpConsole = (console: string): string | undefined => /^tcp:(.*)$/.exec(console)?.[1];

/** Whether that address is one: with a port, and IPv6 in brackets. */
export const isTcpAddress = (address: string): boolean => /^(\[[0-9a-f:.]+\]|[^\s:[\]@/]+):\d{1,5}$/i.test(address);
