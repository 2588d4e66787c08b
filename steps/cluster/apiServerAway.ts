/**
 * Decides from kubectl's output whether the API server is away, or is there and refuses. An answer of the server has a
 * reason (Kubernetes API conventions, "Response Status Kind"), which decides. Without an answer the network's
 * messages decide, and only where kubectl prints them: names, kubectl's own limits and logs may contain the same words.
 */

/** kubectl's client library logs what it meets on its way (klog), too: an aggregated API that is down, for one. */
const logged = /^[IWEF]\d{4} \d{2}:\d{2}:\d{2}/;

/** `Error from server (REASON): MESSAGE`, in logs `error: error from server`. A Status of an older etcd has no reason. */
const answer = /^(?:error: )?error from server(?: \((?<reason>\w+)\))?: (?<message>.*)$/i;

/** No connection, or one that was lost: Go's `net`, `net/http` and `http2`. */
const lost = [
  /\b(?:connection refused|connection reset by peer|connection timed out|broken pipe|use of closed network connection)\b/,
  /\b(?:no route to host|(?:network|host) is (?:unreachable|down)|no such host|server misbehaving|Temporary failure in name)\b/,
  /\b(?:i\/o timeout|TLS handshake timeout|context deadline exceeded|Client\.Timeout exceeded)/,
  /(?:^|: )(?:unexpected )?EOF\b|http2: client connection lost|server sent GOAWAY|server closed idle connection/,
];

/** Where kubectl itself reports on the connection to the API server; a request's cause follows its address. */
const told =
  /^(?:Unable to connect to the server: |error: (?=http2: )|error: unable to read: (?=read tcp ))(?<cause>.*)$|^(?<refused>The connection to the server \S+ was refused)/;
const request = /\b(?:Get|Post|Put|Patch|Delete|Head) "https?:\/\/[^"]+": (?<cause>[^[\]]*)/g;

/** The server's answers that a later try may change, by their reason. */
const passing: Readonly<Record<string, RegExp>> = {
  ServiceUnavailable: /./,
  ServerTimeout: /./,
  // OpenShift's `instantiatebinary` gives up with this reason, too.
  Timeout: /was unable to return a response|request did not complete within|^etcdserver: /,
  // Not a disruption budget's: the drain waits for that.
  TooManyRequests: /[Tt]oo many requests/,
  InternalError: /etcdserver: |is shutting down|rpc error: code = Unavailable|an error on the server \(".*50[234] /,
  NotFound: /all known HTTP paths/,
  "": /^etcdserver: |^rpc error: code = Unavailable/,
};

/** What the API server calls before a write: its pod may be on the very node that is drained or booting. */
const webhook = /failed calling webhook "[^"]*": failed to call webhook: \w+ "[^"]+": (?<cause>.*)$/;
const withoutPod = /^no endpoints available for service /;

const isLost = (cause: string): boolean => !/x509: |tls: /.test(cause) && lost.some((pattern) => pattern.test(cause));

/** Whether a failed command's stderr says that the API server, or a webhook that it must ask, is away for now. */
export const isAway = (stderr: string): boolean =>
  stderr
    .split("\n")
    .filter((line) => !logged.test(line))
    .some(isAwayIn);

function isAwayIn(line: string): boolean {
  const asked = webhook.exec(line)?.groups?.["cause"];
  if (asked !== undefined) return withoutPod.test(asked) || isLost(asked);
  const status = answer.exec(line)?.groups;
  return status === undefined ? isCut(line) : isPassing(status["reason"] ?? "", status["message"] ?? "");
}

/** Whether kubectl had no answer at all. */
function isCut(line: string): boolean {
  const { cause = "", refused } = told.exec(line)?.groups ?? {};
  return refused !== undefined || isLost(cause) || causesIn(line).some(isLost);
}

function isPassing(reason: string, message: string): boolean {
  // The kubelet's connection, which the server passes on for logs: its node is away, the server isn't.
  const ofServer = causesIn(message.replaceAll(/\b\w+ "https?:\/\/[^"]*\/containerLogs\/.*/g, ""));
  return passing[reason]?.test(message) === true || (reason === "" && ofServer.some(isLost));
}

const causesIn = (text: string): string[] => [...text.matchAll(request)].map(({ groups }) => groups?.["cause"] ?? "");
