#!/usr/bin/env bash
# Makes .venv and whatever else is missing, so that `make run` and `make test` need nothing by hand.
#
#   packaging/setup.sh python               .venv with lensgui and its development tools
#   packaging/setup.sh libraries offscreen  the system libraries that Qt needs without a screen
#   packaging/setup.sh libraries window     the same, with those that a window on X11 needs
#   packaging/setup.sh tool COMMAND PACKAGE…  a command-line tool, such as xvfb-run
#   packaging/setup.sh bundle               build/package/env: the wheel of build/dist, and what bundles it
#   packaging/setup.sh contents             build/package/contents: what lists the packages of an environment
set -euo pipefail
cd "$(dirname "$0")/.."

offscreen="libegl1 libgl1 libglib2.0-0 libfontconfig1 libxkbcommon0 libdbus-1-3"
window="$offscreen libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-render-util0
  libxcb-shape0 libxkbcommon-x11-0"

say() { echo "lensgui: $*" >&2; }

# Installs Debian packages, showing each command first; says which ones where it may not.
debian() {
  local sudo=""
  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
      say "please install these system packages (or what your system calls them), then run this again: $*"
      return 1
    fi
    sudo="sudo -n"
  fi
  if ! command -v apt-get >/dev/null; then
    say "please install what your system calls these packages, then run this again: $*"
    return 1
  fi
  local command
  for command in "apt-get update -qq" \
      "env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $*"; do
    echo "+ $sudo $command" >&2
    # shellcheck disable=SC2086
    if ! $sudo $command >&2; then
      say "'$command' failed (its message is above); please install these packages by hand: $*"
      return 1
    fi
  done
}

# Prints the first Python that is new enough.
new_python() {
  local python
  for python in python3.11 python3.12 python3.13 python3.14 python3 python; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$python"
      return
    fi
  done
  return 1
}

python_environment() {
  local python known torch
  if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    if ! python=$(new_python); then
      debian python3 python3-venv
      python=$(new_python) || { say "Python 3.11 or newer is needed and was not found."; return 1; }
    fi
    "$python" -c 'import ensurepip, venv' 2>/dev/null || debian python3-venv
    "$python" -m venv .venv
  fi
  known=$(mktemp)
  # shellcheck disable=SC2064
  trap "rm -f '$known'" EXIT
  cp packaging/constraints.txt "$known"
  torch=$(.venv/bin/python -c 'import importlib.metadata as m; print(m.version("torch"))' 2>/dev/null || true)
  if [ -n "$torch" ]; then # a torch that is already there, built for this machine's GPU perhaps, is kept
    sed -i.bak "s/^torch==.*/torch==$torch/" "$known" && rm -f "$known.bak"
  fi
  .venv/bin/python -m pip install -q --disable-pip-version-check -c "$known" pip hatchling
  .venv/bin/python -m pip install -q --disable-pip-version-check -c "$known" --no-build-isolation -e '.[dev]'
}

# What is bundled is what is here: none of the tools for development.
bundle_environment() {
  local env=build/package/env python=.venv/bin/python shared
  # Qt's Wayland plugins link these: packages that hold them are what ours depends on.
  [ "$(uname)" != Linux ] || ldconfig -p | grep -q libwayland-egl.so.1 ||
    debian libwayland-client0 libwayland-cursor0 libwayland-egl1
  # Debian's own Python has no path of this machine in it.
  if shared=$(/usr/bin/python3 -c 'import sys; assert sys.version_info >= (3, 11)
print("libpython%d.%d" % sys.version_info[:2])' 2>/dev/null) && command -v dpkg >/dev/null; then
    python=/usr/bin/python3
    dpkg -s "$shared" python3-venv >/dev/null 2>&1 || debian "$shared" python3-venv
  fi
  if ! $env/bin/python -m pip --version >/dev/null 2>&1; then
    rm -rf $env
    $python -m venv $env
  fi
  $env/bin/python -m pip install -q --disable-pip-version-check --force-reinstall --no-deps \
    "$(ls -t build/dist/lensgui-*.whl | head -1)"
  $env/bin/python -m pip install -q --disable-pip-version-check -c packaging/constraints.txt \
    lensgui 'pyinstaller>=6.22'
}

contents_environment() {
  local env=build/package/contents
  [ -x $env/bin/cyclonedx-py ] || .venv/bin/python -m venv $env
  $env/bin/python -m pip install -q --disable-pip-version-check 'cyclonedx-bom>=7'
}

libraries() {
  [ "$(uname)" = Linux ] || return 0
  .venv/bin/python packaging/qt_libraries.py "$1" 2>/dev/null && return 0
  .venv/bin/python packaging/qt_libraries.py "$1" || true
  # shellcheck disable=SC2086
  if [ "$1" = window ]; then debian $window; else debian $offscreen; fi
  .venv/bin/python packaging/qt_libraries.py "$1"
}

case "${1:-}" in
  python) python_environment ;;
  libraries) libraries "$2" ;;
  bundle) bundle_environment ;;
  contents) contents_environment ;;
  tool) command -v "$2" >/dev/null || debian "${@:3}" ;;
  *) say "usage: packaging/setup.sh python | libraries offscreen|window | tool COMMAND PACKAGE… | bundle | contents"; exit 2 ;;
esac
