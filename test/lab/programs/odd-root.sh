# odd-root.sh KIND DIRECTORY NODE PROJECT PROGRAM ARGUMENT...: runs a Node program under a root that is not the
# machine's. In a mount namespace of its own (unshare --mount), so that nothing of this is on the host.
set -e
kind=$1 root=$2 node=$3 project=$4
shift 4
mkdir -p "$root/root"
cd "$root/root"
if [ "$kind" = overlay ]; then
  # As in a container of an engine: the lab's own overlay then stands on another one.
  mount -t tmpfs tmpfs "$root"
  mkdir "$root/upper" "$root/work" "$root/root"
  mount -t overlay -o "lowerdir=/,upperdir=$root/upper,workdir=$root/work" overlay "$root/root"
  cd "$root/root"
else
  mkdir usr etc var tmp run root
  for link in bin sbin lib lib32 lib64; do
    [ ! -L "/$link" ] || cp -P "/$link" "$link"
  done
  for directory in usr etc; do mount --rbind "/$directory" "$directory"; done
fi
mkdir -p proc sys dev node project tmp
mount --rbind /proc proc
mount --rbind /sys sys
mount --rbind /dev dev
true > node/node
mount --bind "$node" node/node
mount --bind "$project" project
[ "$kind" != mount ] || { mount --rbind . . && cd "$root/root"; }
exec chroot . /node/node "/project/$@"
