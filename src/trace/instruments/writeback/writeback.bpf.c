// SPDX-License-Identifier: GPL-2.0
// Writers that the kernel makes pause because there is too much dirty page cache: writeback:balance_dirty_pages
// (mm/page-writeback.c). Its arguments changed with kernels, its fields did not: an ordinary tracepoint.
#include "../../bpf/scope.h"
#include "../../bpf/lost.h"
#include "../../bpf/histogram.h"
#include "../../bpf/total.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct trace_event_raw_balance_dirty_pages {
	char bdi[32];
	unsigned long limit;
	unsigned long dirty;
	unsigned int dirtied;
	long pause;
};
#pragma clang attribute pop

struct writer {
	__u32 process;
	// `major:minor` of the device, as text.
	char device[32];
	char name[COMM];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct writer);
	__type(value, struct total);
} writers SEC(".maps");

struct sums {
	struct histogram pauses;
	// Of balance_dirty_pages(), also of calls that did not pause.
	__u64 calls;
	__u64 time;
	// Pages, of the last call: of dirty cache that counts for this writer, and the limit for it.
	__u64 dirty;
	__u64 limit;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sums);
} sums SEC(".maps");

SEC("tp/writeback/balance_dirty_pages")
int on_balance(struct trace_event_raw_balance_dirty_pages *context)
{
	struct task_struct *task = current_task();
	struct writer writer = {};
	struct sums *sum;
	__u32 first = 0;
	__u64 time;
	long pause;

	if (!in_scope(task))
		return 0;
	sum = bpf_map_lookup_elem(&sums, &first);
	if (!sum)
		return 0;
	__sync_fetch_and_add(&sum->calls, 1);
	sum->dirty = BPF_CORE_READ(context, dirty);
	sum->limit = BPF_CORE_READ(context, limit);
	// Milliseconds; 0 and below: it may go on.
	pause = BPF_CORE_READ(context, pause);
	if (pause <= 0)
		return 0;
	time = (__u64)pause * 1000000;
	__sync_fetch_and_add(&sum->time, time);
	count_by_power(&sum->pauses, time / 1000);
	writer.process = BPF_CORE_READ(task, tgid);
	BPF_CORE_READ_STR_INTO(&writer.device, context, bdi);
	bpf_probe_read_kernel_str(writer.name, COMM, task->comm);
	add_total(&writers, &writer, time, BPF_CORE_READ(context, dirtied));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
