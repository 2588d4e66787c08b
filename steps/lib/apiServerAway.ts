/** Tells from what kubectl prints whether the API server is away, or is there and refuses. */

/** The API server doesn't answer, is starting or ending, or asks for patience: a later try may succeed. */
const away = [
  // No connection, or one that was lost.
  /connection refused|The connection to the server \S+ was refused|connection reset|no route to host|network is unreachable/i,
  /\bEOF\b|connection lost|server sent GOAWAY|i\/o timeout|TLS handshake timeout|Client\.Timeout exceeded/,
  /Unable to connect to the server: (?!x509|tls|getting credentials)/,
  /context deadline exceeded|the server was unable to return a response/i,
  // It answers, but can't serve: no etcd, not yet ready, overloaded, about to end.
  /etcdserver: |is currently unable|apiserver not ready|ServiceUnavailable|shutting down|known HTTP paths/i,
  /Too many requests, please try again later|the server has received too many requests/i,
  // What it asks before a write doesn't answer: its pod may be on the very node that is drained or boots.
  /failed calling webhook .*no endpoints available for service/,
];

/** Lines in which words from above tell of something else: a pod that wasn't gone when a drain's own time was up. */
const ownLimit = /^.*(?:when waiting for pod .* to terminate: |global timeout reached).*$/gm;

/** Whether a failed command's stderr says that the API server, or a webhook that it must ask, is away for now. */
export const isAway = (stderr: string): boolean => {
  const said = stderr.replaceAll(ownLimit, "");
  return away.some((pattern) => pattern.test(said));
};
