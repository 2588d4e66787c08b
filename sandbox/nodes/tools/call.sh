#!/bin/sh
# Stands on a sandbox node's PATH under the name of each command that is played: hands the call to the process that
# plays the nodes, and ends as it says. A script on a node makes many calls, and many nodes are asked at once: it starts as
# few processes as it can.
#
# ONLOAD_SANDBOX_CALLS is the directory of the pipe `requests`. Beside it each call has two files until it is taken:
#   call.N         NUL-separated: tool, node, yes|no (root), working directory, what the caller gave on stdin where the tool reads
#                  that, the call's arguments
#   call.N.answer  a pipe; one line comes on it: exit code, stdout and stderr, each with the escapes of printf's %b, between tabs
set -eu

tool=${0##*/}
# No other living process has this number.
call=call.$$
answer=$ONLOAD_SANDBOX_CALLS/$call.answer
[ ! -e "$answer" ] || rm -f "$answer"
mkfifo "$answer"
exec 3<>"$answer"

# mokutil asks for a password unless a hash is given. Nothing else here reads stdin, and the caller may still need it.
case "$tool $*" in
  *--hash-file*) input= ;;
  'mokutil --import '* | 'mokutil -i '* | 'mokutil --delete '* | 'mokutil -d '*) input=$(cat) ;;
  *) input= ;;
esac
printf '%s\0' "$tool" "$ONLOAD_SANDBOX_NODE" "${ONLOAD_SANDBOX_ROOT:-no}" "$PWD" "$input" "$@" >"$ONLOAD_SANDBOX_CALLS/$call"
printf '%s\n' "$call" 1<>"$ONLOAD_SANDBOX_CALLS/requests"

line=$(timeout 30 head -n 1 <&3) || line=
if [ -z "$line" ]; then
  echo "$tool: the sandbox does not answer" >&2
  exit 126
fi
tab='	'
output=${line#*"$tab"}
printf '%b' "${output%"$tab"*}"
printf '%b' "${output##*"$tab"}" >&2
exit "${line%%"$tab"*}"
