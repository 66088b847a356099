// SPDX-License-Identifier: GPL-2.0
// System calls that a seccomp filter did not let through. No event says so, but the order of the entry code does
// (kernel/entry/common.c, arch/arm64/kernel/ptrace.c): the filter comes before the tracepoint sys_enter, and a call
// that it answers itself still passes sys_exit. So an end without a beginning is a call that was answered by the
// filter. One that the filter punishes shows as SIGSYS with the code SYS_SECCOMP, and the end of the process.
#include "../../bpf/lost.h"
#include "../../bpf/scope.h"

#define SECCOMP_MODE_FILTER 2
#define SIGSYS 31
#define SYS_SECCOMP 1
#define EPERM 1
#define EACCES 13
#define ENOSYS 38

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct seccomp {
	int mode;
};
struct task_struct___seccomp {
	struct seccomp seccomp;
};
struct kernel_siginfo {
	int si_code;
	union {
		struct {
			int _syscall;
		} _sigsys;
	} _sifields;
};
#pragma clang attribute pop

enum action {
	ACTION_ERRNO = 1,
	ACTION_SIGNAL = 2,
	ACTION_KILLED = 3,
};

struct denied {
	__u32 action;
	__s32 call;
	// Of ACTION_ERRNO.
	__s32 result;
	char name[COMM];
};

struct seen {
	__u64 count;
	__u32 pid;
	__u32 inside;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2048);
	__type(key, struct denied);
	__type(value, struct seen);
} table SEC(".maps");

enum stage {
	STAGE_OUTSIDE = 1,
	STAGE_INSIDE = 2,
};

struct progress {
	__u32 stage;
	// The call that SIGSYS was about.
	__s32 call;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct progress);
} threads SEC(".maps");

HELPER bool is_filtered(struct task_struct *task)
{
	return BPF_CORE_READ((struct task_struct___seccomp *)task, seccomp.mode) == SECCOMP_MODE_FILTER;
}

HELPER void count(struct task_struct *task, __u32 action, __s32 call, __s32 result)
{
	struct denied denied = { .action = action, .call = call, .result = result };
	struct seen first = { .count = 1, .pid = task->tgid };
	struct seen *seen;

	bpf_probe_read_kernel(denied.name, COMM, task->comm);
	seen = bpf_map_lookup_elem(&table, &denied);
	if (seen) {
		__sync_fetch_and_add(&seen->count, 1);
		return;
	}
	first.inside = number_inside(task->group_leader);
	if (bpf_map_update_elem(&table, &denied, &first, BPF_NOEXIST)) {
		seen = bpf_map_lookup_elem(&table, &denied);
		if (seen)
			__sync_fetch_and_add(&seen->count, 1);
		else
			count_lost();
	}
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_enter, void *registers, long call)
{
	struct task_struct *task = current_task();
	struct progress *progress;

	if (!is_filtered(task) || !in_scope_direct(task))
		return 0;
	progress = bpf_task_storage_get(&threads, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (progress)
		progress->stage = STAGE_INSIDE;
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_exit, void *registers, long result)
{
	struct task_struct *task = current_task();
	struct progress *progress;
	bool denied;

	if (!is_filtered(task) || !in_scope_direct(task))
		return 0;
	progress = bpf_task_storage_get(&threads, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!progress)
		return 0;
	// A thread that was in a call when this was attached has no beginning either: of the first one only an answer
	// that filters give, and that a call which waits does not, is believed.
	if (progress->stage == 0)
		denied = result == -EPERM || result == -EACCES || result == -ENOSYS;
	else
		denied = progress->stage == STAGE_OUTSIDE && result < 0 && result > -4096;
	progress->stage = STAGE_OUTSIDE;
	if (denied)
		count(task, ACTION_ERRNO, syscall_of_registers(registers), result);
	return 0;
}

SEC("tp_btf/signal_generate")
int BPF_PROG(on_signal, int signal, struct kernel_siginfo *info, struct task_struct *target)
{
	struct progress *progress;
	int call;

	if (signal != SIGSYS || (unsigned long)info <= 2 || !in_scope_direct(target))
		return 0;
	if (BPF_CORE_READ(info, si_code) != SYS_SECCOMP)
		return 0;
	call = marked_call(BPF_CORE_READ(info, _sifields._sigsys._syscall));
	count(target, ACTION_SIGNAL, call, 0);
	progress = bpf_task_storage_get(&threads, target, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (progress) {
		progress->call = call;
		// The call that was punished ends without a beginning as well.
		progress->stage = STAGE_INSIDE;
	}
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_end, struct task_struct *task)
{
	struct progress *progress;
	int call;

	if ((task->exit_code & 0x7f) != SIGSYS || !in_scope_direct(task))
		return 0;
	progress = bpf_task_storage_get(&threads, task, 0, 0);
	// SECCOMP_RET_KILL_THREAD sends no signal: it ends the thread within the call.
	call = progress && progress->call ? progress->call : current_syscall();
	count(task, ACTION_KILLED, call, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
