/** Errors as kubectl 1.34.4 printed them, and what they are read as. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { failedFor, KubectlError } from "../../../steps/cluster/kubectlError.ts";
import { StepError } from "../../../steps/lib/step.ts";

const rows: readonly (readonly [stderr: string, reason: string | undefined])[] = [
  ['Error from server (NotFound): nodes "worker-9" not found', "NotFound"],
  ['Error from server (NotFound): error when replacing "STDIN": configmaps "y" not found', "NotFound"],
  ['Error from server (AlreadyExists): error when creating "STDIN": configmaps "x" already exists', "AlreadyExists"],
  [
    'Error from server (Conflict): error when replacing "STDIN": Operation cannot be fulfilled on configmaps "x": the object has been modified; please apply your changes to the latest version and try again',
    "Conflict",
  ],
  [
    'E1126 07:58:07.082481   24416 memcache.go:265] "Unhandled Error" err="couldn\'t get current server API group list"\nError from server (Forbidden): nodes is forbidden: User "ops" cannot list resource "nodes" in API group "" at the cluster scope',
    "Forbidden",
  ],
  // Words of other things: a name, a webhook's message, kubectl's own lines.
  ['Error from server (Forbidden): admission webhook "a.b" denied the request: (NotFound) Conflict', "Forbidden"],
  ['The ConfigMap "NotFound" is invalid: metadata.name: Invalid value: "NotFound"', undefined],
  ["error: You must be logged in to the server (Unauthorized)", undefined],
  ["Error from server: the server responded with the status code 407 but did not return more information", undefined],
  ["The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?", undefined],
];

for (const [stderr, reason] of rows) {
  test(`${reason ?? "no answer of the server's"}: ${stderr}`, () => {
    const error = new KubectlError(`kubectl get x: ${stderr}`, stderr);
    assert.equal(error.reason, reason);
    const all = ["NotFound", "AlreadyExists", "Conflict", "Forbidden", "Timeout"];
    assert.deepEqual(
      all.filter((each) => failedFor(error, each)),
      reason === undefined ? [] : [reason],
    );
    assert.equal(error.isUnknownKind, false);
  });
}

test("an error of another program's is none of the API server's", () => {
  assert.equal(failedFor(new StepError("OKMM-KUBECTL-FAILED", "Error from server (NotFound): x"), "NotFound"), false);
});

test("a kind that the cluster doesn't know is told from an object that it doesn't have", () => {
  for (const stderr of [
    'error: the server doesn\'t have a resource type "nosuch"',
    "Error from server (NotFound): the server could not find the requested resource",
    'Error from server (NotFound): Unable to list "x.io/v1, Resource=xs": the server could not find the requested resource (get xs.x.io)',
  ]) {
    assert.equal(new KubectlError("", stderr).isUnknownKind, true, stderr);
  }
  for (const stderr of [
    'Error from server (NotFound): nodes "the-server-could-not-find-the-requested-resource" not found',
    'Error from server (Forbidden): denied: the server doesn\'t have a resource type "x"',
  ]) {
    assert.equal(new KubectlError("", stderr).isUnknownKind, false, stderr);
  }
});
