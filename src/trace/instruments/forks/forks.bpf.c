// SPDX-License-Identifier: GPL-2.0
// Who makes processes and threads in the container, how many in each second, and how long processes live. Added up
// here: a fork storm must not make a storm of events.
#include "../../bpf/histogram.h"
#include "../../bpf/lost.h"
#include "../../bpf/scope.h"

#define SECONDS 601

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct task_struct___age {
	__u64 start_time;
};
#pragma clang attribute pop

struct settings {
	// When the first second begins, by the monotonic clock.
	__u64 start;
};
const volatile struct settings settings SEC(".rodata.settings") = {};

struct parent {
	__u32 pid;
	char name[COMM];
};

struct births {
	__u64 processes;
	__u64 threads;
	__u32 inside;
	__u32 padding;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct parent);
	__type(value, struct births);
} parents SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SECONDS);
	__type(key, __u32);
	__type(value, __u64);
} seconds SEC(".maps");

struct deaths {
	__u64 processes;
	struct histogram ages;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct deaths);
} ended SEC(".maps");

HELPER void count_second(void)
{
	__u32 second = (bpf_ktime_get_ns() - settings.start) / 1000000000;
	__u64 *count;

	if (second >= SECONDS)
		second = SECONDS - 1;
	count = bpf_map_lookup_elem(&seconds, &second);
	if (count)
		__sync_fetch_and_add(count, 1);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *task, struct task_struct *child)
{
	bool is_thread = child->pid != child->tgid;
	struct parent parent = {};
	struct births first = {};
	struct births *births;

	if (!in_scope_direct(task))
		return 0;
	count_second();
	parent.pid = task->tgid;
	bpf_probe_read_kernel(parent.name, COMM, task->comm);
	births = bpf_map_lookup_elem(&parents, &parent);
	if (!births) {
		first.inside = number_inside(task->group_leader);
		bpf_map_update_elem(&parents, &parent, &first, BPF_NOEXIST);
		births = bpf_map_lookup_elem(&parents, &parent);
		if (!births) {
			count_lost();
			return 0;
		}
	}
	__sync_fetch_and_add(is_thread ? &births->threads : &births->processes, 1);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	__u32 first = 0;
	struct deaths *deaths;

	if (task->pid != task->tgid || !in_scope_direct(task))
		return 0;
	deaths = bpf_map_lookup_elem(&ended, &first);
	if (!deaths)
		return 0;
	__sync_fetch_and_add(&deaths->processes, 1);
	count_by_power(&deaths->ages,
		       (bpf_ktime_get_ns() - BPF_CORE_READ((struct task_struct___age *)task, start_time)) / 1000);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
