/**
 * Loaded into a program before its own code: ends it when its language host has gone, however that ended. Without
 * engine and host the program can achieve nothing more, and the SDK's runner would keep trying forever.
 */

/** Milliseconds between looks. */
const WATCH = 500;

const host = process.ppid;
setInterval(() => {
  if (process.ppid !== host) process.kill(process.pid, "SIGKILL");
}, WATCH).unref();
