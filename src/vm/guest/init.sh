#!/vm/busybox sh
# PID 1 of the initramfs: loads the modules to boot, puts the root together, goes on with agent.sh in it.
bb=/vm/busybox
$bb mkdir -p /proc /sys /dev /layers /memory /new
$bb mount -t proc proc /proc
$bb mount -t sysfs sysfs /sys
$bb mount -t devtmpfs devtmpfs /dev 2>/dev/null

# fail WHAT: seen by whoever reads the console; the machine then ends, since it is started with -no-reboot.
fail() {
  echo "glassbox-vm: $*"
  $bb sync
  $bb reboot -f
  $bb sleep 60
}

# disk SERIAL: the device of the virtio disk with that serial number; it may take a moment to appear.
disk() {
  tries=0
  while [ $tries -lt 500 ]; do
    for file in /sys/block/*/serial; do
      [ -e "$file" ] || continue
      read -r serial <"$file"
      [ "$serial" = "$1" ] || continue
      name=${file#/sys/block/}
      echo "/dev/${name%/serial}"
      return
    done
    $bb usleep 10000
    tries=$((tries + 1))
  done
  return 1
}

while read -r module; do
  $bb insmod "/vm/modules/$module" || echo "glassbox-vm: module $module cannot be loaded"
done </vm/modules/order

lower=
for layer in project root; do
  device=$(disk $layer) || fail "there is no disk $layer"
  $bb mkdir /layers/$layer
  $bb mount -t squashfs -o ro "$device" /layers/$layer || fail "cannot mount $layer"
  lower=$lower${lower:+:}/layers/$layer
done
$bb mount -t tmpfs -o mode=755,size=50% tmpfs /memory
$bb mkdir /memory/upper /memory/work
$bb mount -t overlay -o lowerdir=$lower,upperdir=/memory/upper,workdir=/memory/work overlay /new || fail 'cannot mount the root'
device=$(disk modules) || fail 'there is no disk modules'
$bb mount -t squashfs -o ro "$device" /new/usr/lib/modules || fail 'cannot mount the modules'
# Files of the root are in memory. What labs write has to be on a disk, so that it is page cache and not shared memory.
device=$(disk work) || fail 'there is no disk work'
$bb mount -t ext4 "$device" /new/var/lib/glassbox || fail 'cannot mount the work disk'
$bb cp /vm/busybox /vm/agent.sh /new/vm/
for directory in proc sys dev; do $bb mount --move /$directory /new/$directory; done
exec $bb switch_root /new /vm/busybox sh /vm/agent.sh
