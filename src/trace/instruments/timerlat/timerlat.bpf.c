// SPDX-License-Identifier: GPL-2.0
// Softirqs, timers and tasklets that hold a CPU longer than a limit: nothing else runs there meanwhile. A timer with
// tens of thousands of things to do, such as the estimator of IPVS before Linux 6.2, stops a container this way without
// using any of its CPU quota. include/trace/events/irq.h, timer.h.
#include "../../bpf/scope.h"
#include "../../bpf/interrupted.h"
#include "../../bpf/ring.h"
#include "../../bpf/histogram.h"
#include "../../bpf/total.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct timer_list {
	void (*function)(struct timer_list *timer);
};
struct hrtimer {
	void *function;
};
#pragma clang attribute pop

enum kind {
	KIND_SOFTIRQ,
	KIND_TIMER,
	KIND_HRTIMER,
	KIND_TASKLET,
	KINDS,
};

struct begun {
	__u64 time;
	// The address of the function; of a softirq its vector.
	__u64 what;
};

struct per_cpu {
	struct begun begun[KINDS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct per_cpu);
} cpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KINDS);
	__type(key, __u32);
	__type(value, struct histogram);
} times SEC(".maps");

struct limits {
	__u64 longest;
};
const volatile struct limits limits SEC(".rodata.limits") = {};

struct event {
	__u64 time;
	__u64 took;
	__u64 what;
	__u32 kind;
	__u32 cpu;
	__u32 whose;
	__u32 process;
	char name[COMM];
};

HELPER int began(__u32 kind, __u64 what)
{
	__u32 first = 0;
	struct per_cpu *cpu = bpf_map_lookup_elem(&cpus, &first);

	if (!cpu)
		return 0;
	cpu->begun[kind].what = what;
	cpu->begun[kind].time = bpf_ktime_get_ns();
	return 0;
}

HELPER int ended(__u32 kind)
{
	struct task_struct *task = current_task();
	__u32 first = 0;
	__u32 slot = kind;
	struct per_cpu *cpu = bpf_map_lookup_elem(&cpus, &first);
	struct histogram *histogram;
	struct event *event;
	__u64 now, took;

	if (!cpu || !cpu->begun[kind].time)
		return 0;
	now = bpf_ktime_get_ns();
	took = now - cpu->begun[kind].time;
	cpu->begun[kind].time = 0;
	histogram = bpf_map_lookup_elem(&times, &slot);
	if (histogram)
		count_by_power(histogram, took / 1000);
	if (took < limits.longest)
		return 0;
	event = reserve_event(sizeof(*event));
	if (!event)
		return 0;
	event->time = now;
	event->took = took;
	event->what = cpu->begun[kind].what;
	event->kind = kind;
	event->cpu = bpf_get_smp_processor_id();
	event->whose = interrupted(task);
	event->process = task->tgid;
	bpf_probe_read_kernel(event->name, COMM, task->comm);
	submit_event(event);
	return 0;
}

SEC("tp_btf/softirq_entry")
int BPF_PROG(on_softirq, unsigned int vector)
{
	return began(KIND_SOFTIRQ, vector);
}

SEC("tp_btf/softirq_exit")
int on_softirq_end(void *context)
{
	return ended(KIND_SOFTIRQ);
}

SEC("tp_btf/timer_expire_entry")
int BPF_PROG(on_timer, struct timer_list *timer)
{
	return began(KIND_TIMER, (__u64)BPF_CORE_READ(timer, function));
}

SEC("tp_btf/timer_expire_exit")
int on_timer_end(void *context)
{
	return ended(KIND_TIMER);
}

SEC("tp_btf/hrtimer_expire_entry")
int BPF_PROG(on_hrtimer, struct hrtimer *timer)
{
	return began(KIND_HRTIMER, (__u64)BPF_CORE_READ(timer, function));
}

SEC("tp_btf/hrtimer_expire_exit")
int on_hrtimer_end(void *context)
{
	return ended(KIND_HRTIMER);
}

SEC("tp_btf/tasklet_entry")
int BPF_PROG(on_tasklet, void *tasklet, void *function)
{
	return began(KIND_TASKLET, (__u64)function);
}

SEC("tp_btf/tasklet_exit")
int on_tasklet_end(void *context)
{
	return ended(KIND_TASKLET);
}

char LICENSE[] SEC("license") = "GPL";
