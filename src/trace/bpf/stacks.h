// SPDX-License-Identifier: GPL-2.0
// Stacks by number, and the programs that they belong to. src/trace/stacks.ts reads both.
#pragma once
#include "kernel.h"
#include "ring.h"

#define DEEPEST 127

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 16384);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, DEEPEST * sizeof(__u64));
} stacks SEC(".maps");

struct program {
	__u32 process;
	__u32 program;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct program);
	__type(value, __u8);
} announced SEC(".maps");

struct program_event {
	__u32 process;
	__u32 program;
	char name[COMM];
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct task_struct___program {
	__u64 self_exec_id;
};
#pragma clang attribute pop

// Counts up with every exec of the process.
HELPER __u32 program_number(struct task_struct *task)
{
	return BPF_CORE_READ((struct task_struct___program *)task, self_exec_id);
}

HELPER void announce_program(struct task_struct *task, __u32 process, __u32 number)
{
	struct program program = { .process = process, .program = number };
	struct program_event *event;
	__u8 done = 1;

	if (bpf_map_lookup_elem(&announced, &program))
		return;
	bpf_map_update_elem(&announced, &program, &done, BPF_ANY);
	event = reserve_event(sizeof(*event));
	if (!event)
		return;
	event->process = process;
	event->program = number;
	BPF_CORE_READ_STR_INTO(&event->name, task, group_leader, comm);
	submit_event(event);
}

// Negative where there is none: no frames, or no room (-EEXIST, -ENOMEM), which user space counts.
HELPER __s32 kernel_stack(void *context)
{
	return bpf_get_stackid(context, &stacks, 0);
}

HELPER __s32 user_stack(void *context, struct task_struct *task)
{
	if (BPF_CORE_READ(task, flags) & KERNEL_THREAD)
		return -1;
	return bpf_get_stackid(context, &stacks, BPF_F_USER_STACK);
}

HELPER void add_to(void *map, const void *key, __u64 amount)
{
	__u64 *value = bpf_map_lookup_elem(map, key);

	if (value)
		__sync_fetch_and_add(value, amount);
	else if (bpf_map_update_elem(map, key, &amount, BPF_NOEXIST) != 0) {
		// Another CPU was faster, or there is no room.
		value = bpf_map_lookup_elem(map, key);
		if (value)
			__sync_fetch_and_add(value, amount);
		else
			count_lost();
	}
}
