/**
 * How long the product waits, how often it looks and how often it tries, each with its unit in its name and its reason
 * beside it. Limits that a user sets stand in core/configuration/settings.ts (`build.timeoutMinutes`,
 * `enrolment.timeoutMinutes`, `rollout.drainTimeoutMinutes`, `rollout.loadTimeoutMinutes`); docs/waits.md tells users of
 * all of them. The linter accepts such a number nowhere else in core/, steps/ and scripts/.
 */

// Every wait

/** Until the next look after something has changed: what moves is followed closely. */
export const firstLookSeconds = 0.25;

/** Between two looks once nothing has changed for a while, unless the wait names its own. */
export const lookSeconds = 1;

/** With less than this left of a wait that the user limits, an API server that is away isn't asked again. */
export const lastTrySeconds = 3;

/** Between two reminders of what a person must do: often enough for one who comes late, rare enough for a log. */
export const todoReminderSeconds = 300;

// The API server

/** How long one that doesn't answer is waited for: a single-node cluster reboots in less. */
export const apiServerSeconds = 600;

/** The same in `preview`, for a registry, too: its user wants to hear soon that the VPN is down. */
export const previewSeconds = 10;

/** The same in `npm run status`, which is asked for a quick answer. */
export const statusSeconds = 5;

/** Between two tries: rare enough to load nothing, often enough that nobody notices. */
export const apiServerRetrySeconds = 2;

/** For `kubectl proxy` to listen, which takes a tenth of a second: without it kubectl answers each question by itself. */
export const proxyStartSeconds = 5;

/** Between two lines that say that it is away: Pulumi keeps what a step prints, and limits it. */
export const apiServerReminderSeconds = 30;

/** How long, after it was away, it may say that it doesn't know a custom resource's kind: it has to find them again. */
export const customResourceSeconds = 30;

// Turns and Leases

/** A Lease that nobody renews is free again after this: a killed step's. It is renewed thrice within it. */
export const leaseSeconds = 30;

/** For a node's Lease of another run of this stack: long enough for that of a killed run to expire. */
export const nodeLeaseSeconds = 90;

/** For a node's turn, whose end is no failure of its own: the nodes before it have limits of their own. */
export const turnSeconds = 24 * 3600;

/** For nodes that are out of service when their turn is over: one that hasn't come back by then needs a person. */
export const outOfServiceSeconds = 60;

// A node

/** For a node to be Ready before it is touched: a kubelet reports that again after an API server was away. */
export const readySeconds = 60;

/** For a node that has just been rolled to be Ready when it is proven: a heartbeat can be late. */
export const readyToProveSeconds = 60;

/** For etcd to be whole: the control-plane node before this one may just have come back. */
export const etcdSeconds = 600;

/** Between two looks at etcd, which may take minutes. */
export const etcdLookSeconds = 5;

/** NotReady for longer than this a node counts as dead: until then it may be booting. */
export const bootSeconds = 60;

/** Between two looks at a node that reboots: that takes minutes. */
export const rebootLookSeconds = 2;

/** For a look at the pods that a drain has left: the drain's time is up, and its error should come soon. */
export const undrainedSeconds = 5;

// A node over SSH

/** To connect and log in. */
export const sshLoginSeconds = 15;

/** The same in `preview`, which waits for the slowest node. */
export const sshLoginInPreviewSeconds = 5;

/** For one whole command in `preview`, connection included: tools that hang must not keep everybody waiting. */
export const sshCommandInPreviewSeconds = 30;

/**
 * So many nodes at once in `preview`. A login costs the bastion some ten milliseconds of CPU: a thousand at once would
 * not be through within their time limit, and healthy nodes would count as away.
 */
export const sshAtOnceInPreview = 50;

/** Between two questions whether the node is still there: one that lost its power says no goodbye. */
export const sshKeepaliveSeconds = 5;

/** So many questions without an answer end the connection. */
export const sshKeepaliveTries = 3;

/** After this an on-node tool is ended: a hung `mokutil` must not hang a roll-out. */
export const nodeToolSeconds = 120;

// Kernel modules on a node

/** For what a drain has ended to give up the modules: OpenOnload's own server stays for 30 s. */
export const lettingGoSeconds = 60;

/** For interfaces to come up once KMM has loaded the modules; when they don't, the modules are loaded once more. */
export const driverSeconds = 15;

/** After this without a worker pod its ServiceAccount is looked for: without it KMM only tries, and says so nowhere. */
export const workerSeconds = 15;

/** For a worker to pull its image: KMM never replaces one that can't. */
export const pullSeconds = 45;

/** For a worker's log, which comes from the kubelet of a node that may be away. */
export const workerLogSeconds = 10;

/** For the kernel's own driver: it is there in a few, but a node that went down looks Ready for 50. */
export const kernelDriverSeconds = 120;

/** For KMM to notice that the last node has left, and for the objects of deleted nodes to be collected. */
export const moduleReleaseSeconds = 60;

// Builds

/** After this without a start a Build's cause is looked for, and again after as long. */
export const buildStartSeconds = 5;

/** For the rest of the logs of Builds that have ended. */
export const buildLogSeconds = 10;

/** After this a Module that KMM doesn't seem to have seen is touched. */
export const unseenModuleSeconds = 5;

/** After this without any change its cause is looked for: KMM keeps most of them to itself. */
export const stalledBuildSeconds = 15;

/** Without a new ModuleImagesConfig for so many looks, KMM has stopped: it looks at what changed before within that time. */
export const kmmRestLooks = 5;

/** Between two of these looks. */
export const kmmRestLookSeconds = 1;

/** How often KMM is stopped, should it begin again. */
export const kmmStopTries = 10;

/** How often KMM is made to look again; more doesn't help where a node's own storage answers for the registry. */
export const kmmForgetTries = 10;

/** For a preflight validation to be gone: nothing of ours or KMM's keeps it. */
export const preflightGoneSeconds = 60;

// A registry outside of the cluster

/** For one that doesn't answer while builds are followed: it may run on a node that boots. */
export const registrySeconds = 300;

/** Between two tries. */
export const registryRetrySeconds = 2;

/** For one answer. */
export const registryAnswerSeconds = 20;

// A BMC

/** For one that is busy or doesn't answer: some restart when they are set. */
export const bmcSeconds = 120;

/** Between two tries. */
export const bmcRetrySeconds = 2;

/** For a connection, and for an answer: BMCs are slow computers. */
export const bmcAnswerSeconds = 30;

// MokManager, and the serial console that shows it

/** What `mokutil --timeout` takes for "without a countdown": a person may be slower than any number of seconds. */
export const mokManagerSeconds = -1;

/** For a socket to connect: a firewall that drops packets would be waited for for minutes. */
export const consoleConnectSeconds = 20;

/** A console command that has been silent for so long counts as open: `ipmitool` gives up a BMC that is away by then. */
export const consoleSilentSeconds = 20;

/** A console that has spoken, or is connected, must stay open for so long: one that refuses says why before it hangs up. */
export const consoleSettlingSeconds = 2;

/** For a console command to end when asked to, before it is killed. */
export const consoleHangUpSeconds = 3;

/** Until a console that was lost is opened again, as often as it takes: a BMC may close it all the while its host resets. */
export const consoleReopenSeconds = 3;

/** A screen is finished when nothing came for so long: menus are painted line by line. */
export const screenRestMilliseconds = 300;

/** Between two looks whether to begin while nothing arrives: the beginning itself ends this pause. */
export const screenIdleSeconds = 60;

/** A finished screen that nobody knows is looked at for so long before the script says so. */
export const unknownScreenSeconds = 5;

/** For a key to show its effect, all its tries together. */
export const keyAnswerSeconds = 10;

/** How often a key that does no harm twice is pressed: consoles lose some. */
export const keyTries = 3;

/** Silent for so long after a key a console counts as read-only: a machine that lost its power shows nothing at first. */
export const deafConsoleSeconds = 60;

/** Between two characters of the password: consoles drop what is typed faster. */
export const typingMilliseconds = 40;

// `npm run init`

/** For the pods that read the nodes' host keys, all together: a node may have to pull their image first. */
export const hostKeyPodsSeconds = 180;

/** For one node to show a host key to `--host-keys keyscan`. */
export const hostKeyScanSeconds = 10;

/** After this the node ends such a pod by itself, whatever became of the program that made it. */
export const hostKeyPodLifetimeSeconds = 600;
