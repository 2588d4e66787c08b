#!/bin/sh
# Prints the notes of a release: `scripts/releaseNotes.sh v0.1.0`. First what CHANGELOG.md says of it to users, then the
# commits since the tag before. Fails when package.json or CHANGELOG.md doesn't know the version.
set -eu
cd "$(dirname "$0")/.."
tag=${1:?usage: scripts/releaseNotes.sh vX.Y.Z}
version=${tag#v}

packaged=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)
if [ "$packaged" != "$version" ]; then
  echo "package.json: version is $packaged, expected $version, as the tag $tag says" >&2
  exit 1
fi
changes=$(awk -v heading="## $version" '/^## /{on = index($0, heading " ") == 1 || $0 == heading; next} on' CHANGELOG.md)
if [ -z "$changes" ]; then
  echo "CHANGELOG.md: no section \"## $version\"; give Unreleased this heading, with the date" >&2
  exit 1
fi

printf '%s\n\n## Commits\n\n' "$changes"
npx --yes git-cliff@2.14.2 --config cliff.toml --latest
