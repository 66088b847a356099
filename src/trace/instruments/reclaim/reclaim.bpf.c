// SPDX-License-Identifier: GPL-2.0
// Direct reclaim: a thread that asks for memory has to free some first, and waits meanwhile. For a memory cgroup at its
// limit (vmscan:mm_vmscan_memcg_reclaim_begin and _end), or because the whole machine is short
// (vmscan:mm_vmscan_direct_reclaim_begin and _end); include/trace/events/vmscan.h.
#include "../../bpf/scope.h"
#include "../../bpf/lost.h"
#include "../../bpf/histogram.h"
#include "../../bpf/total.h"

enum kind {
	KIND_CGROUP,
	KIND_MACHINE,
	KINDS,
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, __u64);
} begins SEC(".maps");

struct sums {
	struct histogram times;
	__u64 time;
	__u64 longest;
	__u64 pages;
	// Reclaims that freed nothing.
	__u64 failed;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KINDS);
	__type(key, __u32);
	__type(value, struct sums);
} sums SEC(".maps");

struct waiter {
	__u32 process;
	__u32 kind;
	char name[COMM];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct waiter);
	__type(value, struct total);
} waiters SEC(".maps");

HELPER int begin(void)
{
	struct task_struct *task = current_task();
	__u32 thread = task->pid;
	__u64 now = bpf_ktime_get_ns();

	if (in_scope_direct(task) && bpf_map_update_elem(&begins, &thread, &now, BPF_ANY) != 0)
		count_lost();
	return 0;
}

HELPER int end(__u32 kind, __u64 pages)
{
	struct task_struct *task = current_task();
	__u32 thread = task->pid;
	__u64 *begin = bpf_map_lookup_elem(&begins, &thread);
	struct waiter waiter = { .process = task->tgid, .kind = kind };
	struct sums *sum;
	__u64 time;

	if (!begin)
		return 0;
	time = bpf_ktime_get_ns() - *begin;
	bpf_map_delete_elem(&begins, &thread);
	sum = bpf_map_lookup_elem(&sums, &kind);
	if (!sum)
		return 0;
	count_by_power(&sum->times, time / 1000);
	__sync_fetch_and_add(&sum->time, time);
	__sync_fetch_and_add(&sum->pages, pages);
	if (!pages)
		__sync_fetch_and_add(&sum->failed, 1);
	if (time > sum->longest)
		sum->longest = time;
	bpf_probe_read_kernel_str(waiter.name, COMM, task->comm);
	add_total(&waiters, &waiter, time, pages);
	return 0;
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_begin")
int on_cgroup_begin(void *context)
{
	return begin();
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_end")
int BPF_PROG(on_cgroup_end, unsigned long pages)
{
	return end(KIND_CGROUP, pages);
}

SEC("tp_btf/mm_vmscan_direct_reclaim_begin")
int on_machine_begin(void *context)
{
	return begin();
}

SEC("tp_btf/mm_vmscan_direct_reclaim_end")
int BPF_PROG(on_machine_end, unsigned long pages)
{
	return end(KIND_MACHINE, pages);
}

char LICENSE[] SEC("license") = "GPL";
