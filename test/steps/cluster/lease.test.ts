import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { connect, type Kubectl } from "../../../steps/cluster/kubectl.ts";
import { freeLeases, withLease, type LeaseRequest } from "../../../steps/cluster/lease.ts";
import { StepError } from "../../../steps/lib/step.ts";
import { clock, FakeCluster } from "../fakeCluster.ts";

const request: LeaseRequest = {
  owner: "prod",
  names: ["onload-kmm-node-w1"],
  what: "the Lease of w1",
  timeoutSeconds: 60,
};

async function start(t: TestContext): Promise<{ cluster: FakeCluster; kubectl: Kubectl }> {
  const cluster = new FakeCluster(t);
  return { cluster, kubectl: await connect(cluster.access) };
}

/** A Lease that somebody took `secondsAgo`. */
function leaseOf(cluster: FakeCluster, name: string, holderIdentity: string, secondsAgo: number): void {
  const renewTime = new Date(clock.now() - secondsAgo * 1000).toISOString();
  cluster.put({
    kind: "Lease",
    metadata: { name, namespace: "kube-node-lease" },
    spec: { holderIdentity, leaseDurationSeconds: 30, renewTime },
  });
}

const holderOf = (cluster: FakeCluster, name = "onload-kmm-node-w1"): unknown =>
  (cluster.find("Lease", name)?.["spec"] as { holderIdentity?: unknown } | undefined)?.holderIdentity;

test("work holds the Lease while it lasts, and gives it back", async (t) => {
  const { cluster, kubectl } = await start(t);
  const result = await withLease(kubectl, request, () => Promise.resolve(holderOf(cluster)));
  assert.match(String(result), new RegExp(`^prod/.+/${process.pid}$`));
  assert.equal(cluster.find("Lease", "onload-kmm-node-w1"), undefined);
});

test("work that fails gives the Lease back, and keeps its own error", async (t) => {
  const { cluster, kubectl } = await start(t);
  await assert.rejects(
    withLease(kubectl, request, () => Promise.reject(new StepError("OKMM-DRAIN-STUCK", "the drain failed"))),
    /^Error: the drain failed$/,
  );
  assert.equal(cluster.find("Lease", "onload-kmm-node-w1"), undefined);
});

test("a Lease of another stack is refused at once, with its holder's name", async (t) => {
  const { cluster, kubectl } = await start(t);
  leaseOf(cluster, "onload-kmm-node-w1", "dev/bastion/7", 1);
  await assert.rejects(
    withLease(kubectl, request, () => assert.fail("worked")),
    /dev\/bastion\/7 holds the Lease kube-node-lease\/onload-kmm-node-w1; wait until it is done, then run again/,
  );
  assert.equal(holderOf(cluster), "dev/bastion/7");
});

test("a stack whose name begins like ours is another stack", async (t) => {
  const { cluster, kubectl } = await start(t);
  leaseOf(cluster, "onload-kmm-node-w1", "prod-2/bastion/7", 1);
  await assert.rejects(
    withLease(kubectl, request, () => assert.fail("worked")),
    /prod-2\/bastion\/7 holds the Lease/,
  );
});

test("a Lease of another run of this stack is waited for", async (t) => {
  const { cluster, kubectl } = await start(t);
  leaseOf(cluster, "onload-kmm-node-w1", "prod/bastion/7", 1);
  let worked = false;
  const work = withLease(kubectl, request, () => {
    worked = true;
    return Promise.resolve();
  });
  await cluster.called("get lease", 2);
  assert.equal(worked, false);
  cluster.change("Lease", "onload-kmm-node-w1", (lease) => (lease["spec"] = {}));
  await work;
  assert.equal(worked, true);
});

test("a Lease that stays taken is given up on, with the reason", async (t) => {
  const { cluster, kubectl } = await start(t);
  leaseOf(cluster, "onload-kmm-node-w1", "prod/bastion/7", 1);
  await assert.rejects(
    withLease(kubectl, { ...request, timeoutSeconds: 0 }, () => assert.fail("worked")),
    /timed out after 0 s waiting for the Lease of w1: prod\/bastion\/7; another run of this stack is at work/,
  );
});

for (const holder of ["prod/bastion/7", "dev/bastion/7"]) {
  test(`an expired Lease of ${holder} is taken over: who held it was killed`, async (t) => {
    const { cluster, kubectl } = await start(t);
    leaseOf(cluster, "onload-kmm-node-w1", holder, 31);
    const during = await withLease(kubectl, request, () => Promise.resolve(holderOf(cluster)));
    assert.match(String(during), /^prod\//);
  });
}

test("what a killed run holds is given back; another owner's, and what isn't there, stay as they are", async (t) => {
  const { cluster, kubectl } = await start(t);
  const names = ["onload-kmm-slot-prod-0", "onload-kmm-slot-prod-1", "onload-kmm-slot-prod-2"];
  const [killed = "", others = "", absent = ""] = names;
  leaseOf(cluster, killed, "prod/bastion/7", 1);
  leaseOf(cluster, others, "dev/bastion/7", 1);
  const begun = clock.now();
  await freeLeases(kubectl, "prod", names);
  assert.ok(clock.now() - begun >= 30_000, "it might be renewed");
  assert.equal(cluster.find("Lease", killed), undefined);
  assert.equal(holderOf(cluster, others), "dev/bastion/7");
  assert.ok(!cluster.commands.some((command) => command.startsWith("create") && command.includes(absent)));
  assert.equal(cluster.find("Lease", absent), undefined);
});

test("of two who take over at once only one wins", async (t) => {
  const { cluster, kubectl } = await start(t);
  leaseOf(cluster, "onload-kmm-node-w1", "dev/bastion/7", 31);
  cluster.fail("replace", 'Error from server (Conflict): Operation cannot be fulfilled on leases "x"');
  await withLease(kubectl, request, () => Promise.resolve());
  assert.equal(cluster.commands.filter((command) => command.startsWith("replace")).length, 2);
});

test("of several Leases the first free one is held, and no other", async (t) => {
  const { cluster, kubectl } = await start(t);
  leaseOf(cluster, "slot-0", "prod/bastion/7", 1);
  const names = ["slot-0", "slot-1", "slot-2"];
  const holders = await withLease(kubectl, { ...request, names }, () =>
    Promise.resolve(names.map((name) => holderOf(cluster, name))),
  );
  assert.deepEqual(
    holders.map((holder) => String(holder).split("/").at(-1)),
    ["7", String(process.pid), "undefined"],
  );
  assert.equal(holderOf(cluster, "slot-0"), "prod/bastion/7");
});

test("a Lease that somebody took over meanwhile is left to them", async (t) => {
  const { cluster, kubectl } = await start(t);
  await withLease(kubectl, request, () => {
    cluster.change("Lease", "onload-kmm-node-w1", (lease) => (lease["spec"] = { holderIdentity: "prod/other/8" }));
    return Promise.resolve();
  });
  assert.equal(holderOf(cluster), "prod/other/8");
});

test("a Lease is renewed three times as often as it must be", async (t) => {
  const { cluster, kubectl } = await start(t);
  const renewals = () => cluster.commands.filter((command) => command.startsWith("patch lease")).length;
  await withLease(kubectl, request, async () => {
    clock.advance(9_999);
    assert.equal(renewals(), 0);
    clock.advance(1);
    await cluster.called("patch lease");
  });
  clock.advance(60_000);
  assert.equal(renewals(), 1);
});

test("a Lease that can't be made is told at once, and not waited for as somebody else's", async (t) => {
  const { cluster, kubectl } = await start(t);
  cluster.fail(
    "create -f",
    'Error from server (NotFound): error when creating "STDIN": namespaces "kube-node-lease" not found',
    9,
  );
  await assert.rejects(
    withLease(kubectl, request, () => assert.fail("worked")),
    /namespaces "kube-node-lease" not found$/,
  );
  assert.equal(cluster.commands.filter((command) => command.startsWith("create")).length, 1);
});

test("a Lease whose holder's clock is far behind isn't taken while it is renewed", async (t) => {
  const { cluster, kubectl } = await start(t);
  leaseOf(cluster, "onload-kmm-node-w1", "prod/bastion/7", 300);
  // Each look finds another renewal, all of them long ago by this clock.
  let minutesAgo = 100;
  t.after(
    cluster.onCall(() => {
      minutesAgo -= 1;
      const renewTime = new Date(clock.now() - minutesAgo * 60_000).toISOString();
      cluster.change("Lease", "onload-kmm-node-w1", (lease) => Object.assign(lease["spec"] as object, { renewTime }));
    }),
  );
  await assert.rejects(
    withLease(kubectl, request, () => assert.fail("worked")),
    /timed out after 60 s waiting for the Lease of w1: prod\/bastion\/7/,
  );
});

test("a Lease whose holder's clock is far ahead is free once nobody renews it", async (t) => {
  const { cluster, kubectl } = await start(t);
  leaseOf(cluster, "onload-kmm-node-w1", "prod/bastion/7", -3600);
  const before = clock.now();
  await withLease(kubectl, request, () => Promise.resolve());
  assert.ok(clock.now() - before >= 30_000);
});

test("who stood still for longer than the Lease lasts, and has lost it, is told so before the next act", async (t) => {
  const { cluster, kubectl } = await start(t);
  await assert.rejects(
    withLease(kubectl, request, async (turn) => {
      await turn.require();
      const holderIdentity = "prod/other/8";
      cluster.change("Lease", "onload-kmm-node-w1", (lease) => (lease["spec"] = { holderIdentity }));
      clock.advance(31_000);
      await turn.require();
    }),
    /this run stood still for longer than its Lease lasts, and has lost the Lease of w1/,
  );
  assert.equal(holderOf(cluster), "prod/other/8");
});

test("who stood still and has lost nothing goes on, and a Lease that was deleted by hand is made again", async (t) => {
  const { cluster, kubectl } = await start(t);
  const holder = await withLease(kubectl, request, async (turn) => {
    await kubectl.run(["delete", "lease", "onload-kmm-node-w1", "-n", "kube-node-lease"]);
    clock.advance(31_000);
    await turn.require();
    return holderOf(cluster);
  });
  assert.match(String(holder), /^prod\//);
  assert.equal(holderOf(cluster), undefined, "given back");
});
