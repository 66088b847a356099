// SPDX-License-Identifier: GPL-2.0
// Where a container's threads are each time the clock of a CPU ticks: stacks of the kernel and of the program, counted
// in the kernel. A program that is seen for the first time is told to user space, which reads what it has mapped
// while it is still there.
#include "../../bpf/scope.h"
#include "../../bpf/ring.h"
#include "../../bpf/stacks.h"

struct key {
	__u32 process;
	// Which of the programs that the process ran, one after the other.
	__u32 program;
	__s32 kernel;
	__s32 user;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, struct key);
	__type(value, __u64);
} counts SEC(".maps");

SEC("perf_event")
int on_sample(void *context)
{
	struct task_struct *task = current_task();
	struct key key = {};

	if (!in_scope(task))
		return 0;
	key.process = task->tgid;
	key.program = program_number(task);
	announce_program(task, key.process, key.program);
	key.kernel = kernel_stack(context);
	key.user = user_stack(context, task);
	add_to(&counts, &key, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
