#!/bin/sh
# Stands on a sandbox node's PATH under the name of each command that is played: hands the call to the process that
# plays the nodes, and ends as it says. A shell and two pipes, because a script makes many calls.
#
# ONLOAD_SANDBOX_CALLS is the directory of the pipe `requests`. Below it each call has a directory of its own:
#   args     NUL-separated: tool, node, yes|no (root), working directory, the call's arguments
#   stdin    what the caller gave on stdin, where the tool reads it
#   answer   a pipe; the exit code comes on it when `out` and `err` are complete
set -eu

tool=${0##*/}
dir=$(mktemp -d "$ONLOAD_SANDBOX_CALLS/call.XXXXXX")
trap 'rm -rf "$dir"' EXIT
mkfifo "$dir/answer"
exec 3<>"$dir/answer"
printf '%s\0' "$tool" "$ONLOAD_SANDBOX_NODE" "${ONLOAD_SANDBOX_ROOT:-no}" "$PWD" "$@" >"$dir/args"

# mokutil asks for a password unless a hash is given. Nothing else here reads stdin, and the caller may still need it.
case "$tool $*" in
  *--hash-file*) ;;
  'mokutil --import '* | 'mokutil -i '* | 'mokutil --delete '* | 'mokutil -d '*) cat >"$dir/stdin" ;;
esac

printf '%s\n' "${dir##*/}" 1<>"$ONLOAD_SANDBOX_CALLS/requests"
code=$(timeout 30 head -n 1 <&3) || code=
if [ -z "$code" ]; then
  echo "$tool: the sandbox does not answer" >&2
  exit 126
fi
cat "$dir/out"
cat "$dir/err" >&2
exit "$code"
