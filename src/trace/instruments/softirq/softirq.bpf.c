// SPDX-License-Identifier: GPL-2.0
// Softirqs, which run on top of whoever has the CPU at that moment: by vector, CPU and whose time it was; and by
// function, for those that name one: timers, tasklets, and the poll functions of network devices. The tracepoints of
// include/trace/events/irq.h, timer.h and napi.h.
#include "../../bpf/scope.h"
#include "../../bpf/interrupted.h"
#include "../../bpf/lost.h"
#include "../../bpf/histogram.h"
#include "../../bpf/total.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct napi_struct {
	int (*poll)(struct napi_struct *napi, int budget);
};
struct timer_list {
	void (*function)(struct timer_list *timer);
};
#pragma clang attribute pop

#define VECTORS 16

struct per_cpu {
	__u64 began;
	// Of a timer or a tasklet.
	__u64 function;
	__u64 function_began;
	// When the poll before this one ended, or the softirq began.
	__u64 poll_began;
	__u32 whose;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct per_cpu);
} cpus SEC(".maps");

struct vector {
	__u32 vector;
	__u32 cpu;
	__u32 whose;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct vector);
	__type(value, struct total);
} vectors SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, VECTORS);
	__type(key, __u32);
	__type(value, struct histogram);
} times SEC(".maps");

enum kind {
	KIND_TIMER,
	KIND_TASKLET,
	KIND_POLL,
};

struct function {
	__u64 address;
	__u32 kind;
	__u32 whose;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct function);
	__type(value, struct total);
} functions SEC(".maps");

HELPER struct per_cpu *this_cpu(void)
{
	__u32 first = 0;

	return bpf_map_lookup_elem(&cpus, &first);
}

SEC("tp_btf/softirq_entry")
int BPF_PROG(on_entry, unsigned int vector)
{
	struct per_cpu *cpu = this_cpu();

	if (!cpu)
		return 0;
	cpu->began = cpu->poll_began = bpf_ktime_get_ns();
	cpu->whose = interrupted(current_task());
	return 0;
}

SEC("tp_btf/softirq_exit")
int BPF_PROG(on_exit, unsigned int vector)
{
	struct per_cpu *cpu = this_cpu();
	struct vector key = { .vector = vector, .cpu = bpf_get_smp_processor_id() };
	struct histogram *histogram;
	__u64 time;

	if (!cpu || !cpu->began)
		return 0;
	time = bpf_ktime_get_ns() - cpu->began;
	cpu->began = 0;
	key.whose = cpu->whose;
	add_total(&vectors, &key, time, 0);
	histogram = bpf_map_lookup_elem(&times, &vector);
	if (histogram)
		count_by_power(histogram, time / 1000);
	return 0;
}

HELPER int function_entry(void *function)
{
	struct per_cpu *cpu = this_cpu();

	if (!cpu)
		return 0;
	cpu->function = (__u64)function;
	cpu->function_began = bpf_ktime_get_ns();
	return 0;
}

HELPER int function_exit(__u32 kind)
{
	struct per_cpu *cpu = this_cpu();
	struct function key = { .kind = kind };

	if (!cpu || !cpu->function_began)
		return 0;
	key.address = cpu->function;
	key.whose = cpu->whose;
	add_total(&functions, &key, bpf_ktime_get_ns() - cpu->function_began, 0);
	cpu->function_began = 0;
	return 0;
}

SEC("tp_btf/timer_expire_entry")
int BPF_PROG(on_timer, struct timer_list *timer)
{
	return function_entry(BPF_CORE_READ(timer, function));
}

SEC("tp_btf/timer_expire_exit")
int on_timer_end(void *context)
{
	return function_exit(KIND_TIMER);
}

SEC("tp_btf/tasklet_entry")
int BPF_PROG(on_tasklet, void *tasklet, void *function)
{
	return function_entry(function);
}

SEC("tp_btf/tasklet_exit")
int on_tasklet_end(void *context)
{
	return function_exit(KIND_TASKLET);
}

// Comes after each poll.
SEC("tp_btf/napi_poll")
int BPF_PROG(on_poll, struct napi_struct *napi, int work, int budget)
{
	struct per_cpu *cpu = this_cpu();
	struct function key = { .kind = KIND_POLL };
	__u64 now = bpf_ktime_get_ns();

	if (!cpu || !cpu->began)
		return 0;
	key.address = (__u64)BPF_CORE_READ(napi, poll);
	key.whose = cpu->whose;
	add_total(&functions, &key, now - cpu->poll_began, work);
	cpu->poll_began = now;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
