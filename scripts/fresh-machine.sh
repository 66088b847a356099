#!/bin/sh
# Proves that a clone of this checkout (what is committed) runs on a machine that has nothing: a minimal Debian in a
# directory, with Debian's own old Node and npm. By hand and as root; not part of npm test.
#   scripts/fresh-machine.sh                      the commands of the README
#   scripts/fresh-machine.sh 'COMMAND'...         these instead, each from the clone's directory
#   scripts/fresh-machine.sh --clean              removes the Debian that is kept between runs
# The network settings of this machine (proxies, certificates, npm and apt configuration) are used there too.
set -u
suite=${GLASSBOX_FRESH_SUITE:-bookworm}
mirror=${GLASSBOX_FRESH_MIRROR:-}
base=/var/tmp/glassbox-fresh-$suite
packages='nodejs npm util-linux mount iproute2 ca-certificates'

say() { printf 'fresh machine: %s\n' "$*"; }
fail() {
  printf 'fresh machine: %s\n' "$*" >&2
  exit 3
}

[ "$(id -u)" = 0 ] || fail 'makes a root file system, which needs root.'
if [ "${1-}" = --clean ]; then
  rm -rf --one-file-system "$base" "$base.unfinished"
  exit
fi
command -v debootstrap >/dev/null || fail 'needs debootstrap: apt-get install debootstrap.'
case $0 in */*) checkout=${0%/*}/.. ;; *) checkout=.. ;; esac
checkout=$(cd -P -- "$checkout" && pwd -P) || exit 3
[ $# -gt 0 ] || set -- './glassbox --version' './glassbox demo' 'npm test -- --quick'

# pass_network ROOT: how this machine reaches the network, there too.
pass_network() {
  for file in /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt "${NODE_EXTRA_CA_CERTS:-/none}" \
    /etc/npmrc /etc/apt/apt.conf.d/*proxy*; do
    [ -e "$file" ] || continue
    mkdir -p "$1${file%/*}" && cp -L "$file" "$1$file"
  done
  [ -e "$HOME/.npmrc" ] && cp "$HOME/.npmrc" "$1/root/.npmrc"
}

if ! [ -d "$base" ]; then
  say "making a minimal $suite …"
  rm -rf --one-file-system "$base.unfinished"
  debootstrap --variant=minbase "$suite" "$base.unfinished" ${mirror:+"$mirror"} >"$base.log" 2>&1 ||
    fail "debootstrap failed; its last words: $(tail -n 3 "$base.log")"
  say "installing $packages …"
  pass_network "$base.unfinished"
  # shellcheck disable=SC2086 # a list
  DEBIAN_FRONTEND=noninteractive chroot "$base.unfinished" \
    apt-get install -y --no-install-recommends $packages >"$base.log" 2>&1 ||
    fail "apt-get failed; its last words: $(tail -n 3 "$base.log")"
  mv "$base.unfinished" "$base" && rm -f "$base.log"
fi

machine=$(mktemp -d /var/tmp/glassbox-fresh.XXXXXX) || exit 3

# What is still running in there is ours: only we have this root directory.
remove_machine() {
  for link in /proc/[0-9]*/root; do
    [ "$link" -ef "$machine" ] || continue
    pid=${link#/proc/}
    kill -9 "${pid%/root}" 2>/dev/null
  done
  rm -rf --one-file-system "$machine"
}
trap remove_machine EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cp -a --reflink=auto "$base/." "$machine"
git clone -q --no-hardlinks "$checkout" "$machine/root/glassbox" || fail "cannot clone $checkout."

pass_network "$machine"
set_there=
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY NODE_EXTRA_CA_CERTS SSL_CERT_FILE \
  npm_config_registry npm_config_cafile; do
  eval "value=\${$name-}"
  [ -z "$value" ] || set_there="$set_there $name=$value"
done

say "a clone of $(git -C "$checkout" log -1 --format='%h %s')"
say "Node $(chroot "$machine" node -v), npm $(chroot "$machine" npm -v 2>/dev/null), $(cat "$machine/etc/debian_version")"
bad=0
for command; do
  say "\$ $command"
  started=$(date +%s)
  # The mounts live and die with this mount namespace. The directory becomes its root by pivot_root, not by chroot
  # alone, so that paths and mount tables look as they do on a machine.
  unshare --mount --propagation private sh -c '
    mount --bind "$0" "$0" && cd "$0" && mkdir -p .old || exit 3
    for directory in proc sys dev; do mount --rbind /$directory $directory || exit 3; done
    mount -t tmpfs run run && pivot_root . .old || exit 3
    exec chroot . /usr/bin/env -i HOME=/root TERM=dumb LANG=C.UTF-8 \
      PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin '"$set_there"' \
      sh -c "umount -l /.old && rmdir /.old && cd /root/glassbox && $1"
  ' "$machine" "$command"
  code=$?
  say "exit code $code after $(($(date +%s) - started)) s"
  [ $code -eq 0 ] || bad=$((bad + 1))
done
say "$(($# - bad)) of $# commands succeeded"
[ $bad -eq 0 ]
