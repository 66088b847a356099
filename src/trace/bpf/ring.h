// SPDX-License-Identifier: GPL-2.0
// Events go to user space through a ring buffer without waking anybody: the reader comes by on a timer. What finds
// no room is counted, and the count is shown.
#pragma once
#include "lost.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

HELPER void *reserve_event(__u64 size)
{
	void *event = bpf_ringbuf_reserve(&events, size, 0);

	if (!event)
		count_lost();
	return event;
}

HELPER void submit_event(void *event)
{
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}
