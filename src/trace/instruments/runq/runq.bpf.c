// SPDX-License-Identifier: GPL-2.0
// How long a container's threads wait for a CPU, from one tracepoint: when a thread gets a CPU, the kernel has noted
// when it was put into the queue (sched_info.last_queued, CONFIG_SCHED_INFO), by the queue's own clock. The same
// difference is what /proc/<pid>/schedstat adds up as run_delay.
//
// Who had the CPU meanwhile: each CPU remembers its last turns, in a place of its own that costs a few stores. They are
// looked through only when a thread of the container has waited.
#include "../../bpf/scope-fast.h"
#include "../../bpf/ring.h"
#include "../../bpf/histogram.h"
#include "../../bpf/total.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct rq {
	__u64 clock;
};
struct cfs_rq {
	struct rq *rq;
};
struct sched_entity {
	struct cfs_rq *cfs_rq;
};
struct sched_info {
	unsigned long long last_queued;
};
struct task_group {
	struct cgroup_subsys_state css;
};
struct task_struct___queued {
	struct sched_info sched_info;
	struct sched_entity se;
	struct task_group *sched_task_group;
};
#pragma clang attribute pop

#define TURNS 64
// Shorter waits are the switch itself.
#define WORTH_ASKING 20000

struct turn {
	__u64 until;
	struct task_group *group;
	__u32 process;
	__u32 own;
};

struct per_cpu {
	struct histogram waits;
	__u64 waited;
	__u64 longest;
	__u64 idle;
	__u32 turn;
	__u32 own;
	struct turn turns[TURNS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct per_cpu);
} cpus SEC(".maps");

struct taker {
	// The cgroup of the CPU controller, by the number of its directory.
	__u64 cgroup;
	__u32 process;
	__u32 own;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct taker);
	__type(value, struct total);
} takers SEC(".maps");

HELPER void count_taker(struct turn *turn, __u64 time)
{
	struct task_group *group = turn->group;
	struct taker taker = {
		.cgroup = BPF_CORE_READ(group, css.cgroup, kn, id),
		.process = turn->process,
		.own = turn->own,
	};
	struct taker *event;

	if (!add_total(&takers, &taker, time, 0))
		return;
	// The first time: user space learns its name and its cgroup's while it is there.
	event = reserve_event(sizeof(*event));
	if (!event)
		return;
	*event = taker;
	submit_event(event);
}

// One turn's part of the wait. False when the turn began before it: there is no more.
HELPER bool share_turn(struct per_cpu *cpu, __u32 number, __u64 since)
{
	struct turn *turn = &cpu->turns[number % TURNS];
	__u64 began = cpu->turns[(number - 1) % TURNS].until;
	__u64 from = began > since ? began : since;
	__u64 until = turn->until;

	if (until <= since)
		return false;
	if (!turn->process)
		cpu->idle += until - from;
	else
		count_taker(turn, until - from);
	return began > since;
}

// Backwards through the turns that this CPU gave since the thread was queued. A global function: the verifier goes
// through its loop once, not once for each way that leads to it.
__attribute__((noinline)) int share_out(__u64 since)
{
	__u32 first = 0;
	struct per_cpu *cpu = bpf_map_lookup_elem(&cpus, &first);
	__u32 newest;

	if (!cpu)
		return 0;
	newest = cpu->turn - 1;
	for (__u32 back = 0; back < TURNS - 1; back++)
		if (!share_turn(cpu, newest - back, since))
			break;
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempted, struct task_struct *before, struct task_struct *next)
{
	struct task_struct___queued *queued = (void *)next;
	struct per_cpu *cpu;
	struct turn *turn;
	__u32 first = 0;
	__u64 since, now, wait;

	cpu = bpf_map_lookup_elem(&cpus, &first);
	if (!cpu)
		return 0;
	now = queued->se.cfs_rq->rq->clock;
	turn = &cpu->turns[cpu->turn++ % TURNS];
	turn->until = now;
	turn->group = ((struct task_struct___queued *)before)->sched_task_group;
	turn->process = before->tgid;
	turn->own = cpu->own;
	cpu->own = next->pid && in_scope_fast(next);
	if (!cpu->own)
		return 0;
	since = queued->sched_info.last_queued;
	if (!since)
		return 0;
	wait = now > since ? now - since : 0;
	count_by_power_alone(&cpu->waits, wait / 1000);
	cpu->waited += wait;
	if (wait > cpu->longest)
		cpu->longest = wait;
	if (wait >= WORTH_ASKING)
		share_out(since);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
