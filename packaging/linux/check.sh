#!/usr/bin/env bash
# Has Debian's and the desktops' own tools judge a package: `check.sh PACKAGE.deb`; exit 0 if all are content.
set -euo pipefail
cd "$(dirname "$0")/../.."
package=$(readlink -f "$1")
packaging/setup.sh tool desktop-file-validate desktop-file-utils
packaging/setup.sh tool appstreamcli appstream
packaging/setup.sh tool lintian lintian
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
dpkg-deb --fsys-tarfile "$package" | tar -x -C "$tree" ./usr/share
desktop-file-validate "$tree"/usr/share/applications/*.desktop
appstreamcli validate --no-net --explain "$tree"/usr/share/metainfo/*.xml
lintian --fail-on error "$package"
