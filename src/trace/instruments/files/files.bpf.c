// SPDX-License-Identifier: GPL-2.0
// Reads, writes and syncs of regular files by the container, by file: how often, how much, how long. From the system
// calls, so that no kernel function has to be hooked; which numbers they have is filled in (decode.ts).
#include "../../bpf/histogram.h"
#include "../../bpf/ring.h"
#include "../../bpf/scope.h"
#include "../../bpf/total.h"

#define CALLS 512
#define KIND_MASK 0170000
#define REGULAR 0100000
#define PARTS 8
#define PART_ROOM 64

enum operation {
	OPERATION_NONE = 0,
	OPERATION_READ = 1,
	OPERATION_WRITE = 2,
	OPERATION_SYNC = 3,
	OPERATIONS = 4,
};

struct settings {
	// Nanoseconds: shorter ones are left out.
	__u64 slower;
	__u8 operations[CALLS];
};
const volatile struct settings settings SEC(".rodata.settings") = {};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct super_block {
	unsigned int s_dev;
};
struct inode {
	unsigned short i_mode;
	struct super_block *i_sb;
	unsigned long i_ino;
};
struct qstr {
	const unsigned char *name;
};
struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
};
struct path {
	struct dentry *dentry;
};
struct file {
	struct path f_path;
	struct inode *f_inode;
};
struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};
struct files_struct {
	struct fdtable *fdt;
};
struct task_struct___files {
	struct files_struct *files;
};
#pragma clang attribute pop

struct which {
	__u64 inode;
	__u32 device;
	__u32 operation;
};

struct begun {
	__u64 time;
	struct which file;
	__s32 descriptor;
	__u32 padding;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct begun);
} threads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct which);
	__type(value, struct total);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, OPERATIONS);
	__type(key, __u32);
	__type(value, struct histogram);
} times SEC(".maps");

// The name of a file that is seen for the first time, innermost part first.
struct name_event {
	__u64 inode;
	__u32 device;
	__u32 parts;
	char names[PARTS][PART_ROOM];
};

HELPER struct file *file_of(struct task_struct *task, __s32 descriptor)
{
	struct fdtable *table = BPF_CORE_READ((struct task_struct___files *)task, files, fdt);
	struct file **slots = BPF_CORE_READ(table, fd);
	struct file *file = NULL;

	if (descriptor < 0 || (__u32)descriptor >= BPF_CORE_READ(table, max_fds))
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), slots + descriptor);
	return file;
}

HELPER void announce(struct task_struct *task, struct begun *begun)
{
	struct file *file = file_of(task, begun->descriptor);
	struct name_event *event;
	struct dentry *dentry;

	// Another thread may have closed it meanwhile.
	if (!file || BPF_CORE_READ(file, f_inode, i_ino) != begun->file.inode)
		return;
	event = reserve_event(sizeof(*event));
	if (!event)
		return;
	event->inode = begun->file.inode;
	event->device = begun->file.device;
	event->parts = 0;
	dentry = BPF_CORE_READ(file, f_path.dentry);
	for (__u32 part = 0; part < PARTS; part++) {
		struct dentry *parent = BPF_CORE_READ(dentry, d_parent);

		if (!parent || parent == dentry)
			break;
		bpf_probe_read_kernel_str(event->names[part], PART_ROOM, BPF_CORE_READ(dentry, d_name.name));
		event->parts = part + 1;
		dentry = parent;
	}
	submit_event(event);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_enter, void *registers, long call)
{
	struct task_struct *task;
	struct begun *begun;
	struct inode *inode;
	struct file *file;
	__u8 operation;

	if (call < 0 || call >= CALLS)
		return 0;
	operation = settings.operations[call & (CALLS - 1)];
	// The same numbers are other calls of a 32-bit program.
	if (!operation || in_compat_call())
		return 0;
	task = current_task();
	if (!in_scope_direct(task))
		return 0;
	file = file_of(task, argument_0(registers));
	if (!file)
		return 0;
	inode = BPF_CORE_READ(file, f_inode);
	if ((BPF_CORE_READ(inode, i_mode) & KIND_MASK) != REGULAR)
		return 0;
	begun = bpf_task_storage_get(&threads, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!begun)
		return 0;
	begun->file.inode = BPF_CORE_READ(inode, i_ino);
	begun->file.device = BPF_CORE_READ(inode, i_sb, s_dev);
	begun->file.operation = operation;
	begun->descriptor = argument_0(registers);
	begun->time = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_exit, void *registers, long result)
{
	__u64 now = bpf_ktime_get_ns(), duration;
	struct task_struct *task = current_task();
	struct histogram *histogram;
	struct begun *begun;
	__u32 operation;

	if (!in_scope_direct(task))
		return 0;
	begun = bpf_task_storage_get(&threads, task, 0, 0);
	if (!begun || !begun->time)
		return 0;
	duration = now - begun->time;
	begun->time = 0;
	if (duration < settings.slower)
		return 0;
	operation = begun->file.operation;
	histogram = bpf_map_lookup_elem(&times, &operation);
	if (histogram)
		count_by_power(histogram, duration / 1000);
	if (add_total(&table, &begun->file, duration, result > 0 && operation != OPERATION_SYNC ? result : 0))
		announce(task, begun);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
