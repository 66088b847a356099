// SPDX-License-Identifier: GPL-2.0
// Every program that is started in the container, with its arguments, and how each process ends. The tracepoint
// sched:sched_process_exec fires when the new program is in place: a failed execve(2) is not seen here.
#include "../../bpf/scope.h"
#include "../../bpf/ring.h"

#define NAME_ROOM 256
#define ARGUMENT_ROOM 1024
#define TTY_ROOM 16

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct super_block {
	unsigned long s_magic;
};
struct timespec64 {
	__s64 tv_sec;
};
struct inode {
	struct super_block *i_sb;
	unsigned int i_nlink;
};
// When it was changed last: Linux 6.11, 6.6, and before.
struct inode___611 {
	__s64 i_ctime_sec;
};
struct inode___66 {
	struct timespec64 __i_ctime;
};
struct inode___old {
	struct timespec64 i_ctime;
};
struct file {
	struct inode *f_inode;
};
struct dentry;
struct ovl_inode {
	struct inode vfs_inode;
	struct dentry *__upperdentry;
};
struct vfsmount {
	struct super_block *mnt_sb;
};
struct path {
	struct vfsmount *mnt;
};
struct fs_struct {
	struct path root;
};
struct linux_binprm {
	struct file *file;
	const char *filename;
	int argc;
};
struct tty_struct {
	char name[64];
};
struct signal_struct {
	struct tty_struct *tty;
};
struct task_struct___exec {
	struct signal_struct *signal;
	struct fs_struct *fs;
};
#pragma clang attribute pop

#define OVERLAYFS_SUPER_MAGIC 0x794c7630

// Where the file that runs lies. The order is that of `places` in decode.ts.
enum place {
	PLACE_UNKNOWN = 0,
	// In a lower layer of an overlay: it came with the image.
	PLACE_LOWER = 1,
	// In the upper layer, written or changed since the container was made.
	PLACE_UPPER = 2,
	// On the file system of its root directory, which has no layers.
	PLACE_ROOT = 3,
	// On another file system: a volume, a mount of the host, a tmpfs.
	PLACE_ELSEWHERE = 4,
};

enum event_kind {
	EVENT_EXEC = 1,
	EVENT_EXIT = 2,
};

struct exec_event {
	__u64 time;
	__u32 kind;
	__u32 pid;
	__u32 inside;
	__u32 parent;
	__u32 parent_inside;
	__u32 uid;
	__u32 argument_count;
	__u32 name_length;
	__u32 argument_length;
	__u32 argument_bytes;
	char parent_name[COMM];
	char tty[TTY_ROOM];
	// Of the file that runs, which for a script is its interpreter.
	__s64 changed;
	__u64 file_system;
	__u32 links;
	__u32 place;
	char text[NAME_ROOM + ARGUMENT_ROOM];
};

struct exit_event {
	__u64 time;
	__u32 kind;
	__u32 pid;
	__u32 inside;
	// As wait(2) gives it: the signal in the low 7 bits, the exit code in the next 8.
	__u32 status;
	char name[COMM];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct exec_event);
} scratch SEC(".maps");

HELPER __s64 changed_at(struct inode *inode)
{
	if (bpf_core_field_exists(((struct inode___611 *)0)->i_ctime_sec))
		return BPF_CORE_READ((struct inode___611 *)inode, i_ctime_sec);
	if (bpf_core_field_exists(((struct inode___66 *)0)->__i_ctime))
		return BPF_CORE_READ((struct inode___66 *)inode, __i_ctime.tv_sec);
	return BPF_CORE_READ((struct inode___old *)inode, i_ctime.tv_sec);
}

// struct ovl_inode is around the inode; its __upperdentry is set when the file is in the upper layer (fs/overlayfs/inode.c).
HELPER enum place place_of(struct task_struct *task, struct inode *inode)
{
	struct super_block *own = BPF_CORE_READ(inode, i_sb);
	struct super_block *root = BPF_CORE_READ((struct task_struct___exec *)task, fs, root.mnt, mnt_sb);
	void *upper = NULL;

	if (BPF_CORE_READ(own, s_magic) != OVERLAYFS_SUPER_MAGIC)
		return own == root ? PLACE_ROOT : PLACE_ELSEWHERE;
	if (!bpf_core_field_exists(((struct ovl_inode *)0)->__upperdentry))
		return PLACE_UNKNOWN;
	bpf_probe_read_kernel(&upper, sizeof(upper),
			      (void *)inode - bpf_core_field_offset(struct ovl_inode, vfs_inode) +
				      bpf_core_field_offset(struct ovl_inode, __upperdentry));
	return upper ? PLACE_UPPER : PLACE_LOWER;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *program)
{
	struct task_struct *parent = task->real_parent;
	struct tty_struct *tty;
	struct inode *inode;
	struct exec_event *event;
	unsigned long start, size;
	__u32 first = 0, length, arguments;
	long copied;

	if (!in_scope_direct(task))
		return 0;
	event = bpf_map_lookup_elem(&scratch, &first);
	if (!event)
		return 0;
	event->time = bpf_ktime_get_ns();
	event->kind = EVENT_EXEC;
	event->pid = task->tgid;
	event->inside = number_inside(task->group_leader);
	event->parent = BPF_CORE_READ(parent, tgid);
	event->parent_inside = number_inside(parent->group_leader);
	event->uid = bpf_get_current_uid_gid();
	event->argument_count = program->argc;
	bpf_probe_read_kernel(event->parent_name, COMM, parent->comm);
	tty = BPF_CORE_READ((struct task_struct___exec *)task, signal, tty);
	event->tty[0] = 0;
	if (tty)
		bpf_probe_read_kernel_str(event->tty, TTY_ROOM, tty->name);

	inode = BPF_CORE_READ(program, file, f_inode);
	event->changed = changed_at(inode);
	event->file_system = BPF_CORE_READ(inode, i_sb, s_magic);
	event->links = BPF_CORE_READ(inode, i_nlink);
	event->place = place_of(task, inode);

	copied = bpf_probe_read_kernel_str(event->text, NAME_ROOM, program->filename);
	length = copied < 0 ? 0 : copied;
	if (length > NAME_ROOM)
		length = NAME_ROOM;
	start = BPF_CORE_READ(task, mm, arg_start);
	size = BPF_CORE_READ(task, mm, arg_end) - start;
	arguments = size > ARGUMENT_ROOM ? ARGUMENT_ROOM : size;
	if (bpf_probe_read_user(event->text + length, arguments, (void *)start))
		arguments = 0;
	event->name_length = length;
	event->argument_length = arguments;
	event->argument_bytes = size;
	size = __builtin_offsetof(struct exec_event, text) + length + arguments;
	if (size > sizeof(*event))
		size = sizeof(*event);
	if (bpf_ringbuf_output(&events, event, size, BPF_RB_NO_WAKEUP))
		count_lost();
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct exit_event *event;

	if (task->pid != task->tgid || !in_scope_direct(task))
		return 0;
	event = reserve_event(sizeof(*event));
	if (!event)
		return 0;
	event->time = bpf_ktime_get_ns();
	event->kind = EVENT_EXIT;
	event->pid = task->tgid;
	event->inside = number_inside(task);
	event->status = task->exit_code;
	bpf_probe_read_kernel(event->name, COMM, task->comm);
	submit_event(event);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
