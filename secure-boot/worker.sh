#!/bin/sh
# What the two containers of KMM's worker pod do, on a machine without containers. Runs as root.
#
#   worker.sh load|unload IMAGE DIRECTORY KERNEL IN_TREE ARGUMENT...
#
#   IMAGE      where the image's files are on this machine
#   DIRECTORY  the modules' place in the image: /opt
#   IN_TREE    when loading: in-tree modules that go first, separated by blanks
#   ARGUMENT   modprobe's: the module and its parameters, or the modules to unload
#   stdin      softdep.conf
set -eu
action=$1 image=$2 directory=$3 kernel=$4 in_tree=$5
shift 5
tmp=$(mktemp -d /tmp/kmm-worker.XXXXXX)
trap 'rm -rf "$tmp"' EXIT

# The init container, image-extractor.
mkdir -p "$tmp$directory/lib/modules" "$tmp/modprobe.d"
cp -R "$image$directory/lib/modules/$kernel" "$tmp$directory/lib/modules"

# The container worker: of modprobe's configuration it has this one file.
cat >"$tmp/modprobe.d/softdep.conf"
run() {
  echo "Running modprobe $*"
  modprobe -C "$tmp/modprobe.d" "$@"
}
case $action in
  load)
    # shellcheck disable=SC2086 # a list of names
    [ -z "$in_tree" ] || run -rv $in_tree
    run -vd "$tmp$directory" "$@"
    ;;
  unload) run -rvd "$tmp$directory" "$@" ;;
esac
