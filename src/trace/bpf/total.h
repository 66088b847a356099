// SPDX-License-Identifier: GPL-2.0
// Nanoseconds added up by a key, with how often, the longest, and an amount of something else (bytes, pages). src/trace/total.ts reads them.
#pragma once
#include "kernel.h"
#include "lost.h"

struct total {
	__u64 time;
	__u64 count;
	__u64 longest;
	__u64 amount;
};

// True when the key is new.
HELPER bool add_total(void *map, const void *key, __u64 time, __u64 amount)
{
	struct total first = { .time = time, .count = 1, .longest = time, .amount = amount };
	struct total *total = bpf_map_lookup_elem(map, key);

	if (!total) {
		if (bpf_map_update_elem(map, key, &first, BPF_NOEXIST) == 0)
			return true;
		// Another CPU was faster, or there is no room.
		total = bpf_map_lookup_elem(map, key);
		if (!total) {
			count_lost();
			return false;
		}
	}
	__sync_fetch_and_add(&total->time, time);
	__sync_fetch_and_add(&total->count, 1);
	if (amount)
		__sync_fetch_and_add(&total->amount, amount);
	if (time > total->longest)
		total->longest = time;
	return false;
}
