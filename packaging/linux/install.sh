#!/bin/sh
# Enters the lensgui of this folder in your menu and as the command `lensgui`; --remove undoes that.
# It writes into your own folders only, and this one has to stay where it is.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
data=${XDG_DATA_HOME:-$HOME/.local/share}
command=$HOME/.local/bin/lensgui
entry=$data/applications/lensgui.desktop
kind=$data/mime/packages/lensgui.xml

refresh() {
  if command -v update-desktop-database >/dev/null; then update-desktop-database -q "$data/applications"; fi
  if command -v update-mime-database >/dev/null; then update-mime-database "$data/mime"; fi
}

icons() { (cd "$here/share/icons/hicolor" && find . -name "lensgui.*"); }

case "${1:-}" in
  "")
    mkdir -p "$data/applications" "$data/mime/packages" "$(dirname "$command")"
    sed "s|^Exec=lensgui|Exec=\"$here/lensgui\"|" "$here/share/applications/lensgui.desktop" >"$entry"
    cp "$here/share/mime/packages/lensgui.xml" "$kind"
    icons | while read -r icon; do
      mkdir -p "$data/icons/hicolor/$(dirname "$icon")"
      cp "$here/share/icons/hicolor/$icon" "$data/icons/hicolor/$icon"
    done
    ln -sf "$here/lensgui" "$command"
    refresh
    echo "lensgui is in your menu, and is the command $command."
    ;;
  --remove)
    rm -f "$entry" "$kind" "$command"
    icons | while read -r icon; do rm -f "$data/icons/hicolor/$icon"; done
    refresh
    echo "lensgui is no longer in your menu; this folder, and what you made with it, stay."
    ;;
  *)
    echo "usage: $0 [--remove]" >&2
    exit 2
    ;;
esac
