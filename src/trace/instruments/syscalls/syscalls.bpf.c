// SPDX-License-Identifier: GPL-2.0
// Every system call of the container: how often, how long, with which error; and, one by one, those that took longer
// than asked for. There is no cheap way: both ends of every call are looked at.
#include "../../bpf/ring.h"
#include "../../bpf/scope.h"

struct settings {
	// Nanoseconds; 0: none is told one by one.
	__u64 slower;
};
const volatile struct settings settings SEC(".rodata.settings") = {};

struct begun {
	__u64 time;
	__u64 arguments[3];
	__s32 call;
	__u32 running;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct begun);
} threads SEC(".maps");

struct outcome {
	__s32 call;
	// errno, or 0.
	__u32 error;
	char name[COMM];
};

struct total {
	__u64 count;
	__u64 time;
	__u64 longest;
	__u32 pid;
	__u32 inside;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct outcome);
	__type(value, struct total);
} table SEC(".maps");

struct event {
	__u64 time;
	__u64 duration;
	__s64 result;
	__u64 arguments[3];
	__s32 call;
	__u32 pid;
	__u32 inside;
	__u32 padding;
	char name[COMM];
};

SEC("tp_btf/sys_enter")
int BPF_PROG(on_enter, void *registers, long call)
{
	struct task_struct *task = current_task();
	struct begun *begun;

	if (!in_scope_direct(task))
		return 0;
	begun = bpf_task_storage_get(&threads, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!begun)
		return 0;
	begun->call = marked_call(call);
	begun->running = 1;
	if (settings.slower) {
		begun->arguments[0] = argument_0(registers);
		begun->arguments[1] = argument_1(registers);
		begun->arguments[2] = argument_2(registers);
	}
	begun->time = bpf_ktime_get_ns();
	return 0;
}

HELPER void tell(struct task_struct *task, struct begun *begun, __u64 duration, long result)
{
	struct event *event = reserve_event(sizeof(*event));

	if (!event)
		return;
	event->time = begun->time;
	event->duration = duration;
	event->result = result;
	event->arguments[0] = begun->arguments[0];
	event->arguments[1] = begun->arguments[1];
	event->arguments[2] = begun->arguments[2];
	event->call = begun->call;
	event->pid = task->tgid;
	event->inside = number_inside(task->group_leader);
	event->padding = 0;
	bpf_probe_read_kernel(event->name, COMM, task->comm);
	submit_event(event);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_exit, void *registers, long result)
{
	__u64 now = bpf_ktime_get_ns(), duration;
	struct task_struct *task = current_task();
	struct outcome outcome = {};
	struct total first = {};
	struct total *total;
	struct begun *begun;

	if (!in_scope_direct(task))
		return 0;
	begun = bpf_task_storage_get(&threads, task, 0, 0);
	if (!begun || !begun->running)
		return 0;
	begun->running = 0;
	duration = now - begun->time;
	if (settings.slower && duration >= settings.slower)
		tell(task, begun, duration, result);
	outcome.call = begun->call;
	outcome.error = result < 0 && result > -4096 ? -result : 0;
	bpf_probe_read_kernel(outcome.name, COMM, task->comm);
	total = bpf_map_lookup_elem(&table, &outcome);
	if (!total) {
		first.pid = task->tgid;
		first.inside = number_inside(task->group_leader);
		bpf_map_update_elem(&table, &outcome, &first, BPF_NOEXIST);
		total = bpf_map_lookup_elem(&table, &outcome);
		if (!total) {
			count_lost();
			return 0;
		}
	}
	__sync_fetch_and_add(&total->count, 1);
	__sync_fetch_and_add(&total->time, duration);
	if (duration > total->longest)
		total->longest = duration;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
