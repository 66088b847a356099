// SPDX-License-Identifier: GPL-2.0
// What finds no room, in a ring buffer or in a table, is counted, and the count is shown (readLost of ebpf.ts).
#pragma once
#include "kernel.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

HELPER void count_lost(void)
{
	__u32 first = 0;
	__u64 *count = bpf_map_lookup_elem(&lost, &first);

	if (count)
		__sync_fetch_and_add(count, 1);
}
