// SPDX-License-Identifier: GPL-2.0
// When a CPU quota takes a thread of the container off its CPU, at which cgroup, and how long until it runs again.
// Seen at sched:sched_switch: since Linux 6.18 the thread itself is marked (task->throttled), before that the queue it is
// in (cfs_rq->throttle_count); kernel/sched/fair.c.
#include "../../bpf/scope.h"
#include "../../bpf/lost.h"
#include "../../bpf/histogram.h"
#include "../../bpf/total.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct cfs_bandwidth {
	__u64 quota;
	int nr_periods;
};
struct cfs_rq___throttle {
	int throttled;
	int throttle_count;
};
struct sched_entity___throttle {
	struct cfs_rq___throttle *cfs_rq;
};
struct task_group___throttle {
	struct cgroup_subsys_state css;
	struct task_group___throttle *parent;
	struct cfs_rq___throttle **cfs_rq;
	struct cfs_bandwidth cfs_bandwidth;
};
struct task_struct___throttle {
	_Bool throttled;
	struct sched_entity___throttle se;
	struct task_group___throttle *sched_task_group;
};
#pragma clang attribute pop

#define NO_QUOTA (~0ULL)
#define DEEPEST 16

struct stop {
	__u64 time;
	__u64 cgroup;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, struct stop);
} stops SEC(".maps");

struct level {
	struct total total;
	// The period in which the last thread was stopped, counted from 1, and how many different ones there were.
	__u64 period;
	__u64 periods;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u64);
	__type(value, struct level);
} levels SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct histogram);
} times SEC(".maps");

struct thread {
	__u32 process;
	__u32 thread;
	char name[COMM];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct thread);
	__type(value, struct total);
} threads SEC(".maps");

// How many stops there are: while there are none, nobody has to be looked for.
__u64 stopped;

// Reads that the verifier follows by itself cost next to nothing, and every switch has to make them.
HELPER bool is_throttled(struct task_struct___throttle *task)
{
	if (bpf_core_field_exists(task->throttled))
		return task->throttled;
	return task->se.cfs_rq->throttle_count > 0;
}

HELPER bool is_stopped_at(struct task_group___throttle *group, __u32 cpu)
{
	struct cfs_rq___throttle **queues = BPF_CORE_READ(group, cfs_rq);
	struct cfs_rq___throttle *queue = NULL;

	if (!queues || BPF_CORE_READ(group, cfs_bandwidth.quota) == NO_QUOTA)
		return false;
	bpf_probe_read_kernel(&queue, sizeof(queue), &queues[cpu]);
	return queue && BPF_CORE_READ(queue, throttled);
}

// The cgroup whose quota it is, by the number of its directory; a new period is counted.
HELPER __u64 count_stop(struct task_struct___throttle *task)
{
	struct task_group___throttle *group = BPF_CORE_READ(task, sched_task_group);
	__u32 cpu = bpf_get_smp_processor_id();
	struct level none = {};
	struct level *level;
	__u64 cgroup, period;

	for (int step = 0; step < DEEPEST && group; step++) {
		if (is_stopped_at(group, cpu))
			break;
		group = BPF_CORE_READ(group, parent);
	}
	if (!group)
		return 0;
	cgroup = BPF_CORE_READ(group, css.cgroup, kn, id);
	period = (__u64)(__u32)BPF_CORE_READ(group, cfs_bandwidth.nr_periods) + 1;
	level = bpf_map_lookup_elem(&levels, &cgroup);
	if (!level) {
		bpf_map_update_elem(&levels, &cgroup, &none, BPF_NOEXIST);
		level = bpf_map_lookup_elem(&levels, &cgroup);
	}
	// Two CPUs that stop threads in the same period at the same moment: one of them counts it.
	if (level && __sync_lock_test_and_set(&level->period, period) != period)
		__sync_fetch_and_add(&level->periods, 1);
	return cgroup;
}

HELPER void run_again(struct task_struct *task)
{
	struct thread thread = { .process = task->tgid, .thread = task->pid };
	__u32 number = task->pid;
	__u32 first = 0;
	struct stop *stop = bpf_map_lookup_elem(&stops, &number);
	struct histogram *histogram;
	struct level *level;
	__u64 time, cgroup;

	if (!stop)
		return;
	time = bpf_ktime_get_ns() - stop->time;
	cgroup = stop->cgroup;
	bpf_map_delete_elem(&stops, &number);
	__sync_fetch_and_add(&stopped, -1);
	histogram = bpf_map_lookup_elem(&times, &first);
	if (histogram)
		count_by_power(histogram, time / 1000);
	level = bpf_map_lookup_elem(&levels, &cgroup);
	if (level) {
		__sync_fetch_and_add(&level->total.time, time);
		__sync_fetch_and_add(&level->total.count, 1);
		if (time > level->total.longest)
			level->total.longest = time;
	}
	bpf_probe_read_kernel_str(thread.name, COMM, task->comm);
	add_total(&threads, &thread, time, 0);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempted, struct task_struct *before, struct task_struct *next)
{
	if (is_throttled((void *)before) && before->pid && in_scope_direct(before)) {
		__u32 number = before->pid;
		struct stop stop = { .time = bpf_ktime_get_ns(), .cgroup = count_stop((void *)before) };

		if (bpf_map_update_elem(&stops, &number, &stop, BPF_NOEXIST) != 0)
			count_lost();
		else
			__sync_fetch_and_add(&stopped, 1);
	}
	if (stopped && next->pid)
		run_again(next);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
