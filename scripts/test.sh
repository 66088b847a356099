#!/bin/sh
# npm test [-- --quick]: sets up whatever a fresh machine lacks, then runs every check and test there is
# (scripts/test/run.ts). --quick leaves out the labs on the real kernel and in the virtual machine.
# npm run test:vm: the same set-up, then labs on another kernel (scripts/test/vm.ts).
set -u
case $0 in */*) root=${0%/*}/.. ;; *) root=.. ;; esac
cd -- "$root" || exit 3
node=$(sh scripts/setup.sh --tests) || {
  echo '0 passed, 1 failed, 0 skipped'
  exit 3
}
run=scripts/test/run.ts
if [ "${1-}" = vm ]; then
  run=scripts/test/vm.ts
  shift
fi
case " $* " in
  *' --quick '* | *' --help '* | *' -h '*) ;;
  *) sh scripts/debian-packages.sh ;;
esac
# Everything that a test starts as `node` is the Node that users get.
PATH=$PWD/dist:$PATH
export PATH
exec "$node" "$run" "$@"
