#!/bin/sh
# Checks every shell script of the project; installs shellcheck first where that is one apt-get away.
set -eu
cd "$(dirname "$0")/.."

if ! command -v shellcheck >/dev/null; then
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    scripts/aptGet.sh update
    scripts/aptGet.sh install -y --no-install-recommends shellcheck >/dev/null
  else
    echo "check: shellcheck is missing; install it (Debian: apt-get install shellcheck, macOS: brew install shellcheck)" >&2
    exit 1
  fi
fi

# Those with the ending, and those without that begin like a script.
git ls-files --cached --others --exclude-standard | while read -r file; do
  case $file in
    *.sh) echo "$file" ;;
    *.*) ;;
    *) if [ -f "$file" ] && head -n 1 "$file" | grep -qE '^#!/bin/(ba)?sh'; then echo "$file"; fi ;;
  esac
done | xargs shellcheck
