# A process whose root directory is on a FUSE file system of its own, which answers until the process is in there and never again.
# Arguments: number of mount(2), a directory for it. Prints "silent" then; ends with its parent.
use strict;
use warnings;
$| = 1;
my ($mount, $directory) = @ARGV;
my ($node, $point) = ("$directory/fuse", "$directory/root");
mkdir $point;
system("mknod", $node, "c", "10", "229") == 0 or die "no node\n";
open my $fuse, "+<", $node or die "no fuse\n";
my ($source, $type) = ("silent", "fuse");
my $options = "fd=" . fileno($fuse) . ",rootmode=40000,user_id=0,group_id=0";
syscall($mount, $source, $point, $type, 0, $options) == 0 or die "no mount: $!\n";

my $inside = $$;
if (my $server = fork) {
    # The older one of the two stands for the container.
    close $fuse;
    chroot $point or die "no chroot: $!\n";
    $SIG{TERM} = sub { kill "KILL", $server; exit };
    sleep 1 while kill 0, $server;
    exit;
}

my ($init, $getattr, $noSuchCall) = (26, 3, -38);
my $until = time + 2;
while (time < $until) {
    my $ready = "";
    vec($ready, fileno($fuse), 1) = 1;
    next unless select $ready, undef, undef, 0.2;
    sysread $fuse, my $request, 200_000 or last;
    my ($length, $call, $unique) = unpack "LLQ", $request;
    my ($error, $body) = ($noSuchCall, "");
    # struct fuse_init_out of protocol 7.31, and struct fuse_attr_out of a directory, valid for no time.
    ($error, $body) = (0, pack("LLLLSSLLSS", 7, 31, 65536, 0, 12, 12, 4096, 1, 0, 0) . "\0" x 28) if $call == $init;
    ($error, $body) = (0, pack("QLLQQQQQQLLLLLLLLLL", 0, 0, 0, 1, (0) x 5, (0) x 3, 040755, 2, (0) x 3, 4096, 0))
        if $call == $getattr;
    syswrite $fuse, pack("LlQ", 16 + length $body, $error, $unique) . $body;
}
print "silent\n";
select undef, undef, undef, 0.2 while getppid == $inside;
