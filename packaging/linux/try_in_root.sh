#!/usr/bin/env bash
# Installs a package in a bare Debian root, uses it there as a user, and removes it again.
#
#   packaging/linux/try_in_root.sh PACKAGE.deb [SESSION.lens]
#
# It runs as root, in a root of its own that is gone afterwards; mmdebstrap makes it. Exit status 0:
# the window came to rest on a model and a sweep, the command line swept, a session was opened by the
# command of the desktop entry, and nothing was left behind but what is in the user's folders.
set -euo pipefail

package=$(readlink -f "$1") session=${2:+$(readlink -f "$2")}
root=$(mktemp -d)
cleanup() {
  umount --lazy "$root/proc" 2>/dev/null || true
  rm -rf --one-file-system "$root"
}
trap cleanup EXIT

say() { echo "in the bare root: $*"; }
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
as_user() { inside su -s /bin/sh - somebody -c "export LC_ALL=C.UTF-8; $1"; }
# Everything installed, but what apt, dpkg, caches of shared data and the user own.
files() {
  (cd "$root" && find . -xdev \( -path ./proc -o -path ./home -o -path ./tmp -o -path ./var/lib/dpkg \
    -o -path ./var/lib/apt -o -path ./var/cache -o -path ./var/log \) -prune -o -print | sort)
}

mmdebstrap --quiet --mode=root --variant=minbase --include=xvfb,xauth,desktop-file-utils,shared-mime-info \
  "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$root"
mount -t proc proc "$root/proc"
cp /etc/resolv.conf "$root/etc/" 2>/dev/null || true
cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
inside useradd -m somebody
cp "$package" "$root/tmp/lensgui.deb"
install() {
  inside apt-get install -y -qq --no-install-recommends "$@" >"$root/tmp/install.log" 2>&1 || {
    tail -20 "$root/tmp/install.log"
    exit 1
  }
}
inside apt-get update -qq
# What the package depends on is not its own: it is there before files are counted.
# shellcheck disable=SC2046
install $(dpkg-deb -f "$package" Depends | sed 's/([^)]*)//g; s/,/ /g')
before=$(files)
install /tmp/lensgui.deb
say "installed, $(inside du -sm /usr/lib/lensgui | cut -f1) MB"

begun=$(date +%s%N)
as_user "xvfb-run -a lensgui --smoke-test" 2>&1 | grep -v "propagateSizeHints\|Fontconfig"
say "the first start until a sweep was there: $((($(date +%s%N) - begun) / 1000000)) ms"
begun=$(date +%s%N)
as_user "xvfb-run -a lensgui --smoke-test" >/dev/null 2>&1
say "the second: $((($(date +%s%N) - begun) / 1000000)) ms"

pairs=$root/home/somebody/pairs.csv
{
  echo "clean,corrupted,answer,distractor"
  echo " table green seven music apple house river table green seven music, table green seven music stone\
 house river table green seven music, apple, stone"
} >"$pairs"
as_user "lensgui sweep pairs.csv --model toy --kind resid_pre --out swept >/dev/null"
test -s "$root/home/somebody/swept/resid_pre.csv"
say "swept from the command line"

if [ -n "$session" ]; then
  cp "$session" "$root/home/somebody/work.lens"
  inside chown somebody /home/somebody/work.lens
  kind=$(as_user 'test "$(sed -n "s/^Exec=//p" /usr/share/applications/lensgui.desktop)" = "lensgui %f" &&
    grep lensgui.session /usr/share/mime/globs')
  say "sessions are known as $kind"
  as_user 'xvfb-run -a $(sed -n "s/^Exec=//p" /usr/share/applications/lensgui.desktop | sed "s|%f|work.lens|") --smoke-test' \
    2>&1 | grep -v "propagateSizeHints\|Fontconfig"
  say "a session was opened by the desktop entry's command"
fi

inside dpkg --purge lensgui >/dev/null 2>&1
if ! diff <(echo "$before") <(files); then
  say "the files above are there, or gone (<), and were not before"
  exit 1
fi
say "removed: nothing of it is left outside the user's folders"
