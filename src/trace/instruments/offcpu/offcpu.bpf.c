// SPDX-License-Identifier: GPL-2.0
// Why a container's threads are not on a CPU: the stack with which each gave it up, and for how long. What a thread
// was doing then is what it waits for.
#include "../../bpf/scope.h"
#include "../../bpf/ring.h"
#include "../../bpf/stacks.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct task_struct___state {
	unsigned int __state;
};
// Before Linux 5.14.
struct task_struct___state_old {
	long state;
};
#pragma clang attribute pop

struct key {
	__u32 process;
	__u32 program;
	__s32 kernel;
	__s32 user;
	// TASK_* of include/linux/sched.h: 0 would run, 1 sleeps, 2 sleeps and no signal wakes it.
	__u32 state;
	__u32 padding;
};

struct wait {
	struct key key;
	__u64 since;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct wait);
} waits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, struct key);
	__type(value, __u64);
} times SEC(".maps");

struct limits {
	// Shorter waits are not counted.
	__u64 shortest;
};
const volatile struct limits limits SEC(".rodata.limits") = {};

HELPER __u32 state_of(struct task_struct *task)
{
	struct task_struct___state *now = (void *)task;

	if (bpf_core_field_exists(now->__state))
		return BPF_CORE_READ(now, __state);
	return BPF_CORE_READ((struct task_struct___state_old *)task, state);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempted, struct task_struct *before, struct task_struct *next)
{
	struct wait *wait;
	__u64 time;

	if (before->pid && in_scope_direct(before)) {
		wait = bpf_task_storage_get(&waits, before, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
		if (!wait) {
			count_lost();
		} else {
			wait->key.process = before->tgid;
			wait->key.program = program_number(before);
			announce_program(before, wait->key.process, wait->key.program);
			wait->key.state = preempted ? 0 : state_of(before) & 0xff;
			wait->key.kernel = kernel_stack(ctx);
			wait->key.user = user_stack(ctx, before);
			wait->since = bpf_ktime_get_ns();
		}
	}
	if (next->pid && in_scope_direct(next)) {
		wait = bpf_task_storage_get(&waits, next, 0, 0);
		if (!wait || !wait->since)
			return 0;
		time = bpf_ktime_get_ns() - wait->since;
		wait->since = 0;
		if (time >= limits.shortest)
			add_to(&times, &wait->key, time);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
