#!/bin/sh
# Installs the packages of debian-packages.txt that are missing, when that is possible here. Tests whose package is
# not there are skipped and say so, hence nothing in here fails the run.
set -u
say() { printf 'packages  %s\n' "$*"; }

command -v dpkg-query >/dev/null && command -v apt-get >/dev/null || { say 'not Debian: nothing is installed'; exit 0; }
missing=
for package in $(grep -v '^#' "${0%/*}/debian-packages.txt"); do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
[ "$(id -u)" = 0 ] || { say "not root, so these stay missing:$missing"; exit 0; }

# Debian's own way to install a service without starting it. Ours is known by its second line, so that one left
# behind by a run that was killed is used again and removed.
policy=/usr/sbin/policy-rc.d
ours='# made by the tests of Glassbox, for the time of an installation'
if ! [ -e $policy ] || grep -qxF "$ours" $policy; then
  trap 'rm -f $policy' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  printf '#!/bin/sh\n%s\nexit 101\n' "$ours" >$policy && chmod 755 $policy
fi

say "installing$missing …"
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
apt-get update >"$log" 2>&1 || say "apt-get update: $(tail -n 1 "$log")"
# shellcheck disable=SC2086 # a list
apt-get install -y --no-install-recommends $missing >"$log" 2>&1 ||
  say "could not install them all; tests that need them are skipped. $(tail -n 1 "$log")"
rm -f "$log"
