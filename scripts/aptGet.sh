#!/bin/sh
# apt-get, as root, for what the checks and tests need: `scripts/aptGet.sh install -y …`. Test files, checkouts and other
# users of apt work side by side, and apt-get fails at once where another one holds its lists.
set -eu
export DEBIAN_FRONTEND=noninteractive
# In a folder of root's own: nobody else can put the file there first.
exec flock /run/onload-kmm-apt.lock apt-get -qq -o DPkg::Lock::Timeout=600 "$@"
