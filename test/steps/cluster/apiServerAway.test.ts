/**
 * Other programs' words, as kubectl 1.31 to 1.36 prints them, and what each means for a step. Most were printed by kubectl
 * 1.34.4 before an API server of its own, before ports that answer wrongly, and with webhooks that lead nowhere.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isAway } from "../../../steps/cluster/apiServerAway.ts";

const webhook = 'Error from server (InternalError): Internal error occurred: failed calling webhook "vmodule.kb.io":';
const post =
  'failed to call webhook: Post "https://kmm-operator-webhook-service.openshift-kmm.svc:443/validate?timeout=10s":';
const created = 'Error from server (InternalError): error when creating "STDIN": Internal error occurred: ';
const hook = (url: string): string =>
  `failed calling webhook "deny.example.com": failed to call webhook: Post "${url}":`;
const klog = (where: string, text: string): string => `E1126 07:57:57.304452   24267 ${where}] ${text}`;
const drain = (why: string): string =>
  [
    `error: unable to drain node "worker-1" due to error: ${why}, continuing command...`,
    "There are pending nodes to be drained:",
    " worker-1",
    why,
  ].join("\n");

const comesBack = {
  "nothing listens":
    "The connection to the server api.c1.example.com:6443 was refused - did you specify the right host or port?",
  "nothing listens, in a request":
    'error: Get "https://10.0.0.1:6443/api?timeout=32s": dial tcp 10.0.0.1:6443: connect: connection refused',
  "no answer to a connection": "Unable to connect to the server: dial tcp 10.0.0.1:6443: i/o timeout",
  "no answer to a handshake": "Unable to connect to the server: net/http: TLS handshake timeout",
  "no answer to a request": "Unable to connect to the server: context deadline exceeded",
  "no answer to a request, with client-go's own words":
    "Unable to connect to the server: context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
  "no answer to a request in a write":
    'error: Patch "https://10.0.0.1:6443/api/v1/nodes/worker-1?fieldManager=kubectl-patch": context deadline exceeded',
  "cancelled by the client's limit":
    "Unable to connect to the server: net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
  "a machine that is off": "Unable to connect to the server: dial tcp 10.0.0.1:6443: connect: no route to host",
  "the bastion's own link":
    'error: Get "https://10.0.0.1:6443/api": dial tcp 10.0.0.1:6443: connect: network is unreachable',
  "a connection cut": "error: unable to read: read tcp 10.0.0.2:54122->10.0.0.1:6443: read: connection reset by peer",
  "a connection closed": "Unable to connect to the server: EOF",
  "a connection closed, in a request": 'Error from server: Get "https://10.0.0.1:6443/version": unexpected EOF',
  "a connection that died": "error: http2: client connection lost",
  "a server that leaves":
    "error: http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR",
  "etcd elects": "Error from server: etcdserver: leader changed",
  "etcd is slow": "Error from server: etcdserver: request timed out",
  "503":
    "Error from server (ServiceUnavailable): the server is currently unable to handle the request (patch nodes worker-1)",
  "503 of a starting server": "Error from server (ServiceUnavailable): apiserver not ready",
  "429 of an overloaded server": "Error from server (TooManyRequests): Too many requests, please try again later.",
  "429 without a body":
    "Error from server (TooManyRequests): the server has received too many requests and has asked us to try again later (get nodes)",
  "504":
    "Error from server (Timeout): the server was unable to return a response in the time allotted, but may still be processing the request (get nodes)",
  "a server that ends": "Error from server (InternalError): apiserver is shutting down",
  "a server that hasn't read its aggregated APIs":
    "Error from server (NotFound): the request has been made before all known HTTP paths have been installed, please try again",
  "a webhook without a pod": `${webhook} ${post} no endpoints available for service "kmm-operator-webhook-service"`,
  "a webhook whose pod starts": `${webhook} ${post} dial tcp 10.128.0.9:9443: connect: connection refused`,
  "a webhook that doesn't answer": `${webhook} ${post} context deadline exceeded`,
  "a webhook at an address that nobody has": `${created}${hook("https://192.0.2.1/?timeout=2s")} dial tcp 192.0.2.1:443: connect: connection refused`,
  "a webhook behind a proxy that loses it": `${webhook} ${post} EOF`,
  "a name that isn't known now, as without the VPN":
    "Unable to connect to the server: dial tcp: lookup api.c1.example.com on 10.0.0.2:53: no such host",
  "a server that closes at once":
    'error: Get "https://127.0.0.1:6443/api/v1/nodes/worker-1": read tcp 127.0.0.1:52604->127.0.0.1:6443: read: connection reset by peer - error from a previous attempt: EOF',
  "a load balancer without servers":
    'Error from server (InternalError): an error on the server ("<html><body><h1>502 Bad Gateway</h1></body></html>") has prevented the request from succeeding',
  "503 of a load balancer":
    "Error from server (ServiceUnavailable): the server is currently unable to handle the request",
  "a slow etcd, in the server's words":
    "Error from server (Timeout): Timeout: request did not complete within requested timeout - context deadline exceeded",
  "a server that gives up a write":
    "Error from server (ServerTimeout): The POST operation against Lease.coordination.k8s.io could not be completed at this time, please try again.",
  "etcd's connection": "Error from server: rpc error: code = Unavailable desc = transport is closing",
  "an API server that goes while a pod ends": drain(
    'error when waiting for pod "stuck" in namespace "default" to terminate: Get "https://10.0.0.1:6443/api/v1/namespaces/default/pods/stuck": dial tcp 10.0.0.1:6443: connect: connection refused',
  ),
  "an API server that goes, beside a pod that doesn't end": drain(
    '[error when waiting for pod "stuck" in namespace "default" to terminate: context deadline exceeded, error when evicting pods/"busy" -n "default": Post "https://10.0.0.1:6443/api/v1/namespaces/default/pods/busy/eviction": unexpected EOF]',
  ),
  "an API server that goes while a node is drained": drain(
    'error when evicting pods/"busy" -n "default": Post "https://10.0.0.1:6443/api/v1/namespaces/default/pods/busy/eviction": dial tcp 10.0.0.1:6443: connect: connection refused',
  ),
};

const refuses = {
  "a drain's own limit, while a pod ends": drain(
    'error when waiting for pod "stuck" in namespace "default" to terminate: context deadline exceeded',
  ),
  "a drain's own limit, in newer words": drain(
    'error when waiting for pod "stuck" in namespace "default" to terminate: global timeout reached: 6s',
  ),
  "a drain's own limit, while it evicts": [
    `error when evicting pods/"busy" -n "default" (will retry after 5s): Cannot evict pod as it would violate the pod's disruption budget.`,
    drain('error when evicting pods/"busy" -n "default": global timeout reached: 6s'),
  ].join("\n"),
  "a drain's own limit, in a list": drain(
    '[error when waiting for pod "stuck" in namespace "default" to terminate: context deadline exceeded, error when evicting pods/"busy" -n "default": global timeout reached: 7s]',
  ),
  "a drain's own limit, by its client's rate limit": drain(
    'error when waiting for pod "stuck" in namespace "default" to terminate: client rate limiter Wait returned an error: context deadline exceeded',
  ),
  "a deletion's own limit": `${klog("reflector.go:205", '"Failed to watch" err="context deadline exceeded"')}
error: timed out waiting for the condition on pods/stuck`,
  "a pod of nobody's": drain(
    "cannot delete cannot delete Pods that declare no controller (use --force to override): default/eof, default/connection-refused",
  ),
  "no such object, while an aggregated API is down": `${klog("memcache.go:287", '"Unhandled Error" err="couldn\'t get resource list for metrics.k8s.io/v1beta1: the server is currently unable to handle the request"')}
Error from server (NotFound): nodes "worker-9" not found`,
  "no such object, after a connection that was lost on the way": `${klog("memcache.go:265", '"Unhandled Error" err="couldn\'t get current server API group list: Get \\"https://10.0.0.1:6443/api\\": EOF"')}
Error from server (NotFound): nodes "worker-9" not found`,
  "a build that doesn't start in OpenShift's time":
    "Error from server (Timeout): Timeout: timed out waiting for build onload-srpm-1 to start after 5m0s",
  "a kubelet that doesn't answer, asked for a log":
    'Error from server: Get "https://10.0.0.5:10250/containerLogs/ns/kmm-worker-w1-onload/worker?tailLines=4": dial tcp 10.0.0.5:10250: i/o timeout',
  "a kubelet that is down, asked for a log":
    'Error from server: Get "https://10.0.0.5:10250/containerLogs/ns/kmm-worker-w1-onload/worker?tailLines=4": dial tcp 10.0.0.5:10250: connect: connection refused',
  "no such pod, asked for its log": 'error: error from server (NotFound): pods "x" not found in namespace "default"',
  "a webhook whose Service is gone": `${created}${hook("https://hook.default.svc:443/?timeout=2s")} service "hook" not found`,
  "a webhook that says no in words of a network's":
    'Error from server (Forbidden): admission webhook "policy.example.com" denied the request: probe failed: connection refused',
  "another 500":
    'Error from server (InternalError): an error on the server ("unknown") has prevented the request from succeeding',
  "a load balancer that redirects":
    "Error from server: the server responded with the status code 301 but did not return more information",
  "a proxy that asks for a password":
    "Error from server: the server responded with the status code 407 but did not return more information",
  "a proxy that refuses": "Unable to connect to the server: Forbidden",
  "a server of another kind": "Unable to connect to the server: http: server gave HTTP response to HTTPS client",
  "a server that doesn't take our certificate": "Unable to connect to the server: remote error: tls: bad certificate",
  "a namespace that isn't there":
    'Error from server (NotFound): error when creating "STDIN": namespaces "absent" not found',
  "an object that is there":
    'Error from server (AlreadyExists): error when creating "STDIN": configmaps "eof" already exists',
  "a field that isn't known":
    'Error from server (BadRequest): error when creating "STDIN": ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "dota"',
  "429 of a budget":
    "Error from server (TooManyRequests): Cannot evict pod as it would violate the pod's disruption budget.",
  "a pod whose name sounds like it": 'Error from server (NotFound): pods "reads-to-eof-0" not found',
  "another write came first":
    'Error from server (Conflict): Operation cannot be fulfilled on leases.coordination.k8s.io "worker-1": the object has been modified; please apply your changes to the latest version and try again',
  "no such object": 'Error from server (NotFound): nodes "worker-9" not found',
  "no right to it":
    'Error from server (Forbidden): nodes "worker-1" is forbidden: User "ops" cannot patch resource "nodes" in API group "" at the cluster scope',
  "no login": "error: You must be logged in to the server (Unauthorized)",
  "an expired token":
    "error: You must be logged in to the server (the server has asked for the client to provide credentials)",
  "a certificate of somebody else": "Unable to connect to the server: x509: certificate signed by unknown authority",
  "a certificate that has expired":
    "Unable to connect to the server: tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
  "a login helper that isn't there":
    "Unable to connect to the server: getting credentials: exec: executable aws not found",
  "no such context": 'error: context "prod" does not exist',
  "a value that the server refuses":
    'The Module "onload" is invalid: spec.selector: Invalid value: "null": spec.selector in body must be of type object',
  "a webhook that says no":
    'Error from server (Forbidden): admission webhook "vmodule.kb.io" denied the request: regexp is invalid',
  "a webhook whose certificate is wrong": `${webhook} ${post} tls: failed to verify certificate: x509: certificate signed by unknown authority`,
};

for (const [what, stderr] of Object.entries(comesBack)) {
  test(`waited for: ${what}`, () => assert.equal(isAway(stderr), true, stderr));
}

for (const [what, stderr] of Object.entries(refuses)) {
  test(`told at once: ${what}`, () => assert.equal(isAway(stderr), false, stderr));
}
