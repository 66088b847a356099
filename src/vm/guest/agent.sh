#!/vm/busybox sh
# PID 1 of the guest: mounts what a Linux has, then does what comes in at the port `control` until it is told to stop.
export PATH=/usr/sbin:/usr/bin HOME=/root LANG=C.UTF-8 TERM=dumb
# Labs wait so many times as long for what their programs say.
export GLASSBOX_PATIENCE=5
bb=/vm/busybox

# option NAME DEFAULT: glassbox.NAME=… of the kernel's command line.
option() {
  for word in $($bb cat /proc/cmdline); do
    case $word in
      glassbox.$1=*)
        echo "${word#*=}"
        return
        ;;
    esac
  done
  echo "$2"
}

$bb mkdir -p /dev/pts /dev/shm
$bb mount -t devpts -o mode=620,ptmxmode=666 devpts /dev/pts
$bb mount -t tmpfs -o mode=1777 tmpfs /dev/shm
$bb mount -t tmpfs -o mode=755 tmpfs /run
$bb mount -t tmpfs -o mode=1777 tmpfs /tmp
$bb ln -sf /proc/self/fd /dev/fd
$bb ln -sf /dev/fd/0 /dev/stdin
$bb ln -sf /dev/fd/1 /dev/stdout
$bb ln -sf /dev/fd/2 /dev/stderr
$bb ip link set lo up
$bb hostname glassbox-vm
$bb mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
$bb mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
$bb mount -t bpf bpf /sys/fs/bpf 2>/dev/null

# Every controller in a hierarchy of its own, under the names that systemd gives the pairs.
mount_v1() {
  for controllers in cpu,cpuacct cpuset memory devices freezer net_cls,net_prio blkio perf_event hugetlb pids rdma misc; do
    directory=/sys/fs/cgroup/$controllers
    $bb mkdir -p $directory
    $bb mount -t cgroup -o $controllers cgroup $directory 2>/dev/null || {
      $bb rmdir $directory
      continue
    }
    case $controllers in
      *,*) for one in $(echo $controllers | $bb tr , ' '); do $bb ln -s $controllers /sys/fs/cgroup/$one; done ;;
    esac
  done
  $bb mkdir -p /sys/fs/cgroup/systemd
  $bb mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
}
cgroups=$(option cgroups v2)
case $cgroups in
  v2)
    $bb mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup2 /sys/fs/cgroup
    for controller in $($bb cat /sys/fs/cgroup/cgroup.controllers); do
      echo +$controller >/sys/fs/cgroup/cgroup.subtree_control
    done
    ;;
  *)
    $bb mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
    mount_v1
    if [ $cgroups = hybrid ]; then
      $bb mkdir /sys/fs/cgroup/unified
      $bb mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
    fi
    ;;
esac

# There is no udev: the nodes that load a module when they are opened (loop-control, fuse, tun) are made by hand.
# modules.devname has lines like `loop loop-control c10:237`.
while read -r _ node device; do
  case $device in
    [bc]*:*)
      number=${device#?}
      $bb mkdir -p "/dev/$($bb dirname "$node")"
      [ -e "/dev/$node" ] || $bb mknod "/dev/$node" "${device%%[0-9]*}" "${number%:*}" "${number#*:}"
      ;;
  esac
done <"/lib/modules/$($bb uname -r)/modules.devname"

# A host that runs containers tracks connections: iptables rules of its engine have loaded this.
$bb modprobe nf_conntrack

# port NAME: the device of the virtio port with that name.
port() {
  tries=0
  while [ $tries -lt 500 ]; do
    for file in /sys/class/virtio-ports/*/name; do
      [ -e "$file" ] || continue
      read -r name <"$file"
      [ "$name" = "glassbox.$1" ] || continue
      file=${file%/name}
      echo "/dev/${file##*/}"
      return
    done
    $bb usleep 10000
    tries=$((tries + 1))
  done
  echo "glassbox-vm: there is no port $1" >/dev/console
  $bb reboot -f
}
# A port can be opened once only, so these descriptors are kept.
exec 3<>"$(port control)" 4>"$(port output)" 5>"$(port errors)" 6>"$(port files)"

# The project's own command, as it is called outside.
printf '#!/bin/sh\nexec node /srv/glassbox/dist/current/glassbox.js "$@"\n' >/usr/bin/glassbox
$bb chmod 755 /usr/bin/glassbox

# The mark of the machine that may be thrown away: labs that break a whole host run only where it is.
: >/run/glassbox-disposable
read -r uptime _ </proc/uptime
echo "ready $uptime $($bb uname -r)" >&3
while read -r verb id argument <&3; do
  case $verb in
    run) # run ID BYTES, and then a script of so many bytes
      $bb head -c "$argument" <&3 >/run/glassbox-script
      $bb setsid /bin/bash /run/glassbox-script >&4 2>&5 </dev/null 3>&- 4>&- 5>&- 6>&-
      code=$?
      printf '\0end %s %s\n' "$id" $code >&4
      printf '\0end %s %s\n' "$id" $code >&5
      ;;
    get) # get ID DIRECTORY: `files ID BYTES`, and so many bytes of a tar on the port `files`; -1 when it failed
      if tar -C "$argument" -cf /run/glassbox-files . 2>/dev/null; then
        size=$($bb stat -c %s /run/glassbox-files)
        echo "files $id $size" >&3
        $bb cat /run/glassbox-files >&6
      else
        echo "files $id -1" >&3
      fi
      $bb rm -f /run/glassbox-files
      ;;
    off) break ;;
  esac
done
$bb sync
$bb poweroff -f
