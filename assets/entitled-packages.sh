#!/bin/sh
# Installs what build-kmod.sh needs into a UBI container of the kernel's own RHEL, from the repositories of a Red Hat subscription.
#
#   entitled-packages.sh KERNEL
#
#   KERNEL  the full `uname -r` string of the node; its devel and modules packages are installed, of this very version.
#
# Needs the subscription's certificate and key (*.pem, *-key.pem) in /run/secrets/etc-pki-entitlement, where KMM mounts
# the build secret, and the network. Exit code 0: installed; 1: an error, said on stderr; 2: wrong usage.
# ENTITLED_PACKAGES_ROOT is for tests: a directory in place of /.
set -eu

readonly ROOT="${ENTITLED_PACKAGES_ROOT:-}"
readonly SECRET=/run/secrets/etc-pki-entitlement
readonly TOOLS="bash gcc binutils make gawk sed grep tar gzip kmod cpio"

say() { printf 'entitled-packages: %s\n' "$*"; }
fail() {
  printf 'entitled-packages: error: %s\n' "$*" >&2
  exit 1
}

# A file name per match: the pattern itself when there is none.
require_entitlement() {
  set -- "$ROOT$SECRET"/*-key.pem
  [ -f "$1" ] || fail "no *-key.pem in $SECRET; a subscribed cluster has Secret etc-pki-entitlement in openshift-config-managed, and the Module must name a copy of it in build.secrets"
}

# /etc/rhsm-host is UBI's link to the host's subscription. While it is there, subscription-manager looks for the host's
# and not for ours, and makes no redhat.repo. By a link, so that no image layer ever holds the key.
use_entitlement() {
  rm -rf "$ROOT/etc/rhsm-host" "$ROOT/etc/pki/entitlement"
  mkdir -p "$ROOT/etc/pki"
  ln -s "$SECRET" "$ROOT/etc/pki/entitlement"
}

# 5.14.0-570.49.1.el9_6.x86_64 is RHEL 9.6: without the minor version dnf offers the newest one's kernels only.
# …x86_64+rt is in kernel-rt-devel-….x86_64; up to RHEL 9.2 …rt14.296.el9_2.x86_64 is in the package of that name.
# core/kernelRelease.ts has the same rule, with its sources.
read_kernel() {
  version=${kernel%%+*}
  arch=${version##*.}
  release=$(printf '%s\n' "$version" | sed -n 's/^.*\.el\([0-9]\{1,\}\)_\([0-9]\{1,\}\)\..*$/\1.\2/p')
  [ -n "$release" ] || fail "KERNEL \"$kernel\" is not a kernel of a RHEL minor version: no .el<major>_<minor> in it"
  major=${release%%.*}
  case $kernel in *+*) variant=${kernel#*+} ;; *) variant='' ;; esac
  case $version in *.rt[0-9]*.el*) variant=rt${variant:+-$variant} ;; esac
  name=kernel${variant:+-$variant}
}

# $1 suffix of the repository set ('' or -eus). CodeReady Builder is among them so that a release that comes to need one of its
# packages finds it.
repositories() {
  printf '%s' "rhel-$major-for-$arch-baseos$1-rpms,rhel-$major-for-$arch-appstream$1-rpms,codeready-builder-for-rhel-$major-$arch$1-rpms"
  case $variant in rt | rt-*) printf '%s' ",rhel-$major-for-$arch-rt$1-rpms" ;; esac
}

# $1 suffix of the repository set, the rest: packages.
install_from() {
  enabled=$(repositories "$1")
  shift
  dnf -y --releasever="$release" --enablerepo="$enabled" --setopt=install_weak_deps=False install "$@"
}

# The newest versions that the repositories have of package $1, for whoever reads the error.
offered() {
  found=$(dnf -q --releasever="$release" --enablerepo="$(repositories '')" --showduplicates list --available "$1" 2>/dev/null |
    sed -n "s/^$1\\.$arch  *\\([^ ]*\\).*/\\1/p" | tail -n 5 | tr '\n' ' ')
  found=${found% }
  printf '%s' "${found:-none}"
}

if [ $# -ne 1 ] || [ -z "$1" ]; then
  echo 'usage: entitled-packages.sh KERNEL (empty? then the Dockerfile stage declares no ARG KERNEL_FULL_VERSION)' >&2
  exit 2
fi
kernel=$1
read_kernel
[ "$arch" = "$(uname -m)" ] || fail "this build runs on $(uname -m), and $kernel is for $arch: the Module's build.selector names the architecture"

require_entitlement
use_entitlement
say "installing the tools and $name-devel-$version from RHEL $release"
# Extended Update Support has the kernels that a minor version gets after the next one is out.
# shellcheck disable=SC2086 # a list of names
install_from '' $TOOLS "$name-devel-$version" || install_from -eus $TOOLS "$name-devel-$version" ||
  fail "dnf cannot install $name-devel-$version (versions of $name-devel that it finds: $(offered "$name-devel")); is the subscription valid, and does it cover RHEL $release (or its Extended Update Support${variant:+, or the variant $variant})?"
# Without scripts: the kernel packages' own would make an initial ramdisk for a machine that isn't there.
install_from '' --setopt=tsflags=noscripts "$name-modules-$version" || install_from -eus --setopt=tsflags=noscripts "$name-modules-$version" ||
  fail "dnf cannot install $name-modules-$version"
dnf clean all >/dev/null
[ -d "$ROOT/usr/src/kernels/$kernel" ] || fail "dnf installed $name-devel-$version, but there is no /usr/src/kernels/$kernel"
