#!/bin/sh
# Builds OpenOnload's kernel modules for one kernel and lays them out as KMM's worker expects them.
#
#   build-kmod.sh [--srpm FILE] [--kernel-tree DIR] [--host-modules DIR] [--work DIR] KERNEL OUTPUT_ROOT
#
#   KERNEL          the full `uname -r` string of the node, as in 5.14.0-570.49.1.el9_6.x86_64. Never this machine's own:
#                   in a container `uname -r` is the build host's kernel.
#   OUTPUT_ROOT     the result is OUTPUT_ROOT/lib/modules/KERNEL, replaced as a whole (in the image: /opt).
#   --srpm          onload-<version>-1.src.rpm. Default: the only *.src.rpm beside this script.
#   --kernel-tree   the kernel's build tree (kernel-devel, linux-headers). Default: the first that exists of
#                   /usr/src/kernels/KERNEL, /usr/src/linux-KERNEL, /usr/src/linux-headers-KERNEL,
#                   /lib/modules/KERNEL/build: the places where Onload's own build looks, in its order.
#   --host-modules  where the kernel's own modules are while building (kernel-modules, linux-image).
#                   Default: /lib/modules/KERNEL.
#   --work          directory to build in; made, and removed at the end. Default: /var/tmp/onload-kmod-build. The bytes
#                   of the modules depend on this path: the same path gives the same bytes.
#
# The result:
#   lib/modules/KERNEL/extra/{sfc,sfc_resource,sfc_char,onload}.ko   without debug symbols, unsigned
#   lib/modules/KERNEL/kernel -> /lib/modules/KERNEL/kernel          the node's own modules, for sfc's dependency on mtd
#   lib/modules/KERNEL/modules.*                                     depmod's index, in which ours win over the in-tree ones
#
# Runs in the Driver Toolkit image, in UBI and on any Linux; needs no network and no rpmbuild. Exit code 0: built and
# checked; 1: an error, said on stderr; 2: wrong usage. Without a 0, OUTPUT_ROOT is as it was before.
set -eu

readonly MODULES="sfc sfc_resource sfc_char onload"

say() { printf 'build-kmod: %s\n' "$*"; }
fail() {
  printf 'build-kmod: error: %s\n' "$*" >&2
  exit 1
}
usage() {
  printf 'build-kmod: %s\n%s\n' "$1" \
    'usage: build-kmod.sh [--srpm FILE] [--kernel-tree DIR] [--host-modules DIR] [--work DIR] KERNEL OUTPUT_ROOT' >&2
  exit 2
}

# The kernel's package of kind $1, devel or modules, by its name in RHEL (core/kernelRelease.ts).
package_of() {
  case $kernel in
    *+*) printf 'kernel-%s-%s-%s' "${kernel#*+}" "$1" "${kernel%%+*}" ;;
    *.rt[0-9]*.el*) printf 'kernel-rt-%s-%s' "$1" "$kernel" ;;
    *) printf 'kernel-%s-%s' "$1" "$kernel" ;;
  esac
}

parse_arguments() {
  srpm='' tree='' host_modules='' work=/var/tmp/onload-kmod-build
  while [ $# -gt 0 ]; do
    case $1 in
      --srpm | --kernel-tree | --host-modules | --work)
        { [ $# -gt 1 ] && [ -n "$2" ]; } || usage "$1 needs a value"
        case $1 in
          --srpm) srpm=$2 ;;
          --kernel-tree) tree=$2 ;;
          --host-modules) host_modules=$2 ;;
          --work) work=$2 ;;
        esac
        shift 2
        ;;
      -*) usage "unknown option $1" ;;
      *) break ;;
    esac
  done
  # An ARG that the Dockerfile's stage doesn't declare arrives as an empty string, and depmod would then silently index
  # the build host's kernel.
  [ $# -eq 2 ] || usage "expected KERNEL and OUTPUT_ROOT, found $# arguments"
  kernel=$1 output=$2
  case $kernel in
    '') usage 'KERNEL is empty: does the Dockerfile stage declare ARG KERNEL_FULL_VERSION?' ;;
    [!0-9]* | *[!A-Za-z0-9._+~-]*) usage "KERNEL \"$kernel\" is not the output of \`uname -r\`" ;;
  esac
  [ -n "$output" ] || usage 'OUTPUT_ROOT is empty'
  host_modules=${host_modules:-/lib/modules/$kernel}
}

require_tools() {
  missing=''
  for tool in bash gcc ld make awk sed grep tar gzip strip nproc depmod modinfo modprobe; do
    command -v "$tool" >/dev/null || missing="$missing $tool"
  done
  [ -z "$missing" ] || fail "missing tools:$missing; install them (packages: bash, gcc, binutils, make, gawk, sed, grep, tar, gzip, coreutils, kmod)"
}

find_srpm() {
  if [ -z "$srpm" ]; then
    here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
    set -- "$here"/*.src.rpm
    { [ $# -eq 1 ] && [ -f "$1" ]; } || fail "expected exactly one *.src.rpm in $here; name it with --srpm FILE"
    srpm=$1
  fi
  [ -r "$srpm" ] || fail "--srpm $srpm: no such file"
  case $srpm in /*) ;; *) srpm=$PWD/$srpm ;; esac
}

find_kernel_tree() {
  if [ -z "$tree" ]; then
    for tree in "/usr/src/kernels/$kernel" "/usr/src/linux-$kernel" "/usr/src/linux-headers-$kernel" "/lib/modules/$kernel/build" ''; do
      [ -z "$tree" ] || [ ! -d "$tree" ] || break
    done
    [ -n "$tree" ] || fail "no kernel tree for $kernel in /usr/src or /lib/modules/$kernel/build; install $(package_of devel) (Debian: linux-headers-$kernel), or give --kernel-tree DIR"
  fi
  [ -f "$tree/Makefile" ] || fail "$tree is not a kernel tree: it has no Makefile"
  # Onload builds happily against the tree of another kernel, for minutes; so look first.
  header=$tree/include/generated/utsrelease.h
  [ -r "$header" ] || fail "$tree is not a prepared kernel tree: it has no include/generated/utsrelease.h"
  found=$(sed -n 's/^#define UTS_RELEASE "\(.*\)".*/\1/p' "$header")
  [ "$found" = "$kernel" ] || fail "$tree is the tree of kernel $found, expected $kernel; install $(package_of devel) (Debian: linux-headers-$kernel), or give its directory by --kernel-tree"
  tree=$(CDPATH='' cd -- "$tree" && pwd)
}

# A symbol of the in-tree mtd module is what sfc depends on. Without its file depmod drops the dependency, says nothing
# and returns 0.
require_host_modules() {
  [ -d "$host_modules/kernel" ] || fail "no modules of kernel $kernel in $host_modules/kernel; install $(package_of modules) (Debian: linux-image-$kernel), or give --host-modules DIR"
  host_modules=$(CDPATH='' cd -- "$host_modules" && pwd)
}

require_safe_output() {
  target=$output/lib/modules/$kernel
  if [ -e "$target/kernel" ] && [ ! -L "$target/kernel" ]; then
    fail "$target/kernel is a real directory, so $output is a system's root, which this script doesn't touch; choose another OUTPUT_ROOT"
  fi
}

# The working directory has a known name in a directory that others may write to: mkdir, without -p, is what makes sure
# that it is ours, and keeps a second build out.
open_work_directory() {
  case $work in /*) ;; *) fail "--work $work: expected an absolute path" ;; esac
  if [ -f "$work/pid" ] && [ -n "$(find "$work" -prune -type d -user "$(id -u)")" ]; then
    owner=$(cat "$work/pid")
    ! kill -0 "$owner" 2>/dev/null || fail "$work is in use by process $owner; wait for it, or give --work DIR"
    rm -rf -- "$work"
  fi
  mkdir -m 700 -- "$work" 2>/dev/null || fail "cannot make $work: it exists already, or its parent is not writable; remove it, or give --work DIR"
  trap 'rm -rf -- "$work"' EXIT
  trap 'exit 1' HUP INT TERM
  echo $$ >"$work/pid"
}

# Each way gives the SRPM's two files, onload-<version>.tgz and openonload.spec.
unpack_srpm() {
  mkdir "$work/srpm"
  if command -v rpm2cpio >/dev/null && command -v cpio >/dev/null; then
    # In two commands, because a pipe hides rpm2cpio's exit code.
    rpm2cpio "$srpm" >"$work/srpm.cpio" || fail "rpm2cpio cannot read $srpm"
    (cd "$work/srpm" && cpio --quiet -id <"$work/srpm.cpio") || fail "cpio cannot unpack $srpm"
  elif command -v bsdtar >/dev/null; then
    bsdtar -xf "$srpm" -C "$work/srpm" || fail "bsdtar cannot unpack $srpm"
  elif command -v rpm >/dev/null; then
    rpm --quiet -i --nodeps --dbpath "$work/rpmdb" --define "_sourcedir $work/srpm" --define "_specdir $work/srpm" "$srpm" ||
      fail "rpm cannot unpack $srpm"
  else
    fail 'missing tools: rpm2cpio and cpio, or bsdtar, or rpm; install one of these to unpack the source RPM'
  fi
  set -- "$work/srpm"/*onload-*.tgz
  { [ $# -eq 1 ] && [ -f "$1" ]; } || fail "$srpm: expected exactly one onload-<version>.tgz in it, found: $(ls "$work/srpm")"
  mkdir "$work/src"
  tar -xzf "$1" -C "$work/src" --no-same-owner || fail "tar cannot unpack ${1##*/}"
  set -- "$work/src"/*/scripts/onload_build
  { [ $# -eq 1 ] && [ -x "$1" ]; } || fail "$srpm: its tarball has no scripts/onload_build: not a source package of OpenOnload"
  source=${1%/scripts/onload_build}
}

build_modules() {
  say "building ${source##*/} for kernel $kernel with ${tree}"
  # What the caller's environment says about compilers or kernels must not reach the modules.
  (
    unset KDIR KVER KBUILD_OUTPUT KBUILD_EXTMOD KCFLAGS CFLAGS LDFLAGS MAKEFLAGS ARCH CROSS_COMPILE
    cd "$source" && KPATH=$tree LC_ALL=C scripts/onload_build --kernel --kernelver "$kernel" </dev/null
  ) || fail "scripts/onload_build failed for kernel $kernel; its own message is above"
  # shellcheck disable=SC2144 # one match or none: the pattern's only wildcard is the processor's name
  set -- "$source/build"/*_linux-"$kernel"/driver/linux
  { [ $# -eq 1 ] && [ -d "$1" ]; } || fail "no build/*_linux-$kernel/driver/linux after the build: was it made for another kernel?"
  built=$1
}

check_vermagic() {
  found=$(modinfo -F vermagic "$1") || fail "modinfo cannot read $1"
  [ "${found%% *}" = "$kernel" ] || fail "${1##*/} was built for kernel ${found%% *}, expected $kernel: wrong kernel tree $tree?"
}

install_modules() {
  stage=$work/root/lib/modules/$kernel
  mkdir -p "$stage/extra"
  for module in $MODULES; do
    [ -f "$built/$module.ko" ] || fail "the build made no $module.ko; Onload 9.0 and later make $MODULES"
    # The build leaves links; a copy of a link would dangle.
    cp -L "$built/$module.ko" "$stage/extra/$module.ko"
    # Before KMM signs: stripping a signed module removes its signature without a word. 105 MB become 3.7 MB.
    strip -g "$stage/extra/$module.ko"
    chmod 644 "$stage/extra/$module.ko"
    check_vermagic "$stage/extra/$module.ko"
  done
}

index_modules() {
  ln -s "$host_modules/kernel" "$stage/kernel"
  # Only so that depmod doesn't warn, and knows which modules are built into the kernel.
  for file in modules.builtin modules.builtin.modinfo modules.order; do
    [ ! -f "$host_modules/$file" ] || cp "$host_modules/$file" "$stage/$file"
  done
  # Without the overrides the order of directory entries decides whether our sfc or the in-tree one wins.
  for module in $MODULES; do echo "override $module * extra"; done >"$work/depmod.conf"
  depmod -b "$work/root" -C "$work/depmod.conf" "$kernel" || fail "depmod failed for kernel $kernel"
}

# The path of module $1 in modules.dep, whatever its compression.
indexed_path() { sed -n "s|^\\(\\(.*/\\)\\{0,1\\}$1\\.ko[.a-z0-9]*\\):.*|\\1|p" "$stage/modules.dep"; }

# $1 depends on $2, says the module itself; so its line in modules.dep must name $2's file, unless the kernel has it built in.
check_dependency() {
  grep -q "^extra/$1\\.ko:.*[ /]$2\\.ko" "$stage/modules.dep" || grep -qs "/$2\\.ko\$" "$stage/modules.builtin" ||
    fail "modules.dep records $1 without its dependency $2; is $2 among the modules in $host_modules?"
}

# depmod returns 0 for a missing dependency, a dangling link and an overridden module alike: so believe only its result.
check_index() {
  [ -s "$stage/modules.dep" ] || fail "depmod wrote no modules.dep for kernel $kernel"
  for module in $MODULES; do
    [ -e "$stage/extra/$module.ko" ] || fail "extra/$module.ko is missing in $stage"
    found=$(indexed_path "$module")
    [ "$found" = "extra/$module.ko" ] || fail "modprobe $module would load \"$found\", expected extra/$module.ko"
    for dependency in $(modinfo -F depends "$stage/extra/$module.ko" | tr ',' ' '); do
      check_dependency "$module" "$dependency"
    done
  done
  # Not left to the modules' own word, because a driver built without MTD support would lose it silently.
  check_dependency sfc mtd
  # An empty directory for its configuration: this machine's own must not have a say.
  mkdir "$work/modprobe.d"
  modprobe -d "$work/root" -C "$work/modprobe.d" -S "$kernel" --show-depends sfc >"$work/sfc.order" || fail 'modprobe cannot resolve sfc'
  tail -n 1 "$work/sfc.order" | grep -q '/extra/sfc\.ko' || fail "modprobe sfc would load $(tail -n 1 "$work/sfc.order"), expected extra/sfc.ko"
}

publish() {
  rm -f "$stage/kernel"
  ln -s "/lib/modules/$kernel/kernel" "$stage/kernel"
  mkdir -p "$output/lib/modules"
  rm -rf -- "$target"
  cp -RP "$stage" "$target"
  for module in $MODULES; do
    # sfc_resource and sfc_char have none.
    version=$(modinfo -F version "$target/extra/$module.ko" | tr -d '[:space:]')
    say "built $target/extra/$module.ko version ${version:--} sha256 $(sha256sum <"$target/extra/$module.ko" | cut -d' ' -f1)"
  done
}

# depmod, modprobe and modinfo are in sbin, which isn't on every user's PATH.
PATH=$PATH:/usr/sbin:/sbin
umask 022
parse_arguments "$@"
require_tools
find_srpm
find_kernel_tree
require_host_modules
require_safe_output
open_work_directory
unpack_srpm
build_modules
install_modules
index_modules
check_index
publish
