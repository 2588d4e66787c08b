import assert from "node:assert/strict";
import { test } from "node:test";
import { counterpart, fingerprint, parseHostKeys, shownKey } from "../../../core/node/hostKey.ts";

const ed25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPFLzwBSLxnEUDoL8AiL5LxpgO9vIJ1VnR5uaKYhcSZy";
const ecdsa =
  "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBJrshiRBj3DelzWLLHIqAgWRlEdPzNm3B6O/CdhhJ+X6FMRKbVPYmh8rItCEcQ2b1kiemeE9YADLttHU7gYgHK8=";

test("keys come without comments, the best first, and other lines are passed by", () => {
  const text = `${ecdsa} root@worker-1\n# a comment\nssh-dss AAAAB3NzaC1kc3M=\n${ed25519} \n\ncat: nothing\n`;
  assert.deepEqual(parseHostKeys(text), [ed25519, ecdsa]);
  assert.deepEqual(parseHostKeys(""), []);
});

test("a fingerprint is ssh-keygen's", () => {
  assert.equal(fingerprint(ed25519), "SHA256:bcbSutx3PQTs8/QM9WyuF53IGUzZjMMMYRXy9PKl3P0");
  assert.equal(fingerprint(ecdsa), "SHA256:H3Dh00m3Rd6MeZTQdUhK/zDNeLKtPEeRpX6PZwAGKvk");
  assert.equal(shownKey(ed25519), "ssh-ed25519 SHA256:bcbSutx3PQTs8/QM9WyuF53IGUzZjMMMYRXy9PKl3P0");
});

test("a configured key is compared with one of its own type, else with the best", () => {
  const rsa = "ssh-rsa AAAAB3NzaC1yc2E=";
  assert.equal(counterpart(ecdsa, [ed25519, ecdsa]), ecdsa);
  assert.equal(counterpart(rsa, [ed25519, ecdsa]), ed25519);
  assert.equal(counterpart(rsa, []), undefined);
});
