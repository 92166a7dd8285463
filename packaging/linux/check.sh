#!/usr/bin/env bash
# Has Debian's and the desktops' own tools judge packages: `check.sh PACKAGE.deb…`; exit 0 if all are content.
set -euo pipefail
mapfile -t packages < <(readlink -f "$@")
cd "$(dirname "$0")/../.."
packaging/setup.sh tool desktop-file-validate desktop-file-utils
packaging/setup.sh tool appstreamcli appstream
packaging/setup.sh tool lintian lintian
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
for package in "${packages[@]}"; do
  dpkg-deb --fsys-tarfile "$package" | tar -x -C "$tree" ./usr/share
done
find "$tree" -name "*.desktop" -exec desktop-file-validate {} +
find "$tree" -name "*.metainfo.xml" -exec appstreamcli validate --no-net --explain {} +
lintian --fail-on error "${packages[@]}"
