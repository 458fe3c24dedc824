#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the .deb packages in a bare Debian of their own and uses them there: the command labels the shipped clips, the
# manual and the completion are in place, a program is built against libtsm-dev. Needs root, debootstrap and the network:
# without them it is skipped (77). Nothing is mounted.
# Usage: run.sh PACKAGES_DIR SOURCE_DIR [CHROOT]
set -eu
packages=$1 source=$2
fail() { echo "packages: $1" >&2; exit 1; }
skip() { echo "skipped: $1"; exit 77; }
[ "$(id -u)" = 0 ] || skip "only root can make a chroot"
command -v debootstrap >/dev/null || skip "debootstrap is not here"
suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
mirror=${TSM_DEBIAN_MIRROR:-http://deb.debian.org/debian}

if [ $# -ge 3 ]; then
    root=$3
else
    root=$(mktemp -d /tmp/chroot-XXXXXX)
    trap 'rm -rf "$root"' EXIT
fi
[ -x "$root/usr/bin/apt-get" ] || debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$root.log" 2>&1 ||
    { tail -n 3 "$root.log"; rm -f "$root.log"; skip "debootstrap did not succeed"; }
rm -f "$root.log"

inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"; }
cp /etc/resolv.conf "$root/etc/resolv.conf"
rm -rf "$root/srv/tsm"
mkdir -p "$root/srv/tsm"
cp "$packages"/*.deb "$source"/demo/clips/*.mp4 "$source/tests/embed/embed.c" "$root/srv/tsm/"
inside apt-get -qq update
inside sh -c 'apt-get -qq install --reinstall --no-install-recommends /srv/tsm/*.deb >/srv/tsm/log 2>&1 || { cat /srv/tsm/log; exit 1; }'
echo "installed: $(inside dpkg-query -W -f '${Package} ' 'libtsm*' 'tsm-*')"

right=0 clips=0
for clip in "$source"/demo/clips/*.mp4; do
    name=$(basename "$clip")
    want=$(echo "$name" | sed 's/-[0-9]*\.mp4$//; s/-/ /g')
    got=$(inside tsm classify --top 1 "/srv/tsm/$name" | sed -n '2s/^ *[0-9.]* *//p' | sed 's/-/ /g')
    clips=$((clips + 1))
    [ "$got" != "$want" ] || right=$((right + 1))
done
echo "tsm classify: $right of $clips clips"
[ "$clips" -gt 0 ] || fail "no clips under $source/demo/clips"
[ "$right" -eq "$clips" ] || fail "the command does not label the shipped clips"
for file in bash-completion/completions/tsm man/man1/tsm.1 man/man1/tsm-classify.1; do
    [ -f "$root/usr/share/$file" ] || fail "/usr/share/$file is missing"
done
inside tsm --version

# A plugin without CUDA's libraries is one line, not a crash.
if inside dpkg-query -W libtsm-cuda >/dev/null 2>&1; then
    status=0
    inside tsm classify --device cuda /srv/tsm/moving-left-01.mp4 >"$root/srv/tsm/out" 2>&1 || status=$?
    cat "$root/srv/tsm/out"
    [ "$status" -eq 1 ] || fail "--device cuda without CUDA: status $status"
    [ "$(wc -l <"$root/srv/tsm/out")" -eq 1 ] || fail "--device cuda without CUDA: not one line"
fi

inside sh -c 'apt-get -qq install --no-install-recommends gcc libc6-dev pkg-config >/srv/tsm/log 2>&1 || { cat /srv/tsm/log; exit 1; }'
inside sh -c 'cc -Wall -Werror /srv/tsm/embed.c -o /srv/tsm/embed $(pkg-config --cflags --libs tsm-video)'
inside /srv/tsm/embed /usr/share/tsm/tsm-demo.safetensors /srv/tsm/moving-left-01.mp4 | grep -qx 'moving.left' ||
    fail "the program that was built against libtsm-dev gives another label"
inside sh -c 'apt-get -qq remove tsm-tools libtsm-dev >/srv/tsm/log 2>&1 || { cat /srv/tsm/log; exit 1; }'
echo "packages: ok"
