// SPDX-License-Identifier: GPL-2.0
// Who the OOM killer chooses, as it does: the tracepoint oom:mark_victim. Its argument was a pid before Linux 6.8 and is
// the task since then.
#include "../../bpf/ring.h"
#include "../../bpf/scope.h"

struct event {
	__u64 time;
	__u32 victim;
	__u32 victim_inside;
	// Who asked for the page that could not be had; the victim itself, often.
	__u32 asker;
	__u32 asker_inside;
	// 1: the victim is the container's. 2: the asker is. Before 6.8 the first is not known.
	__u32 whose;
	__u32 padding;
	char victim_name[COMM];
	char asker_name[COMM];
};

SEC("raw_tp/mark_victim")
int on_victim(struct bpf_raw_tracepoint_args *context)
{
	struct task_struct *asker = current_task();
	struct task_struct *victim = (void *)context->args[0];
	bool is_task = context->args[0] >> 32 != 0;
	__u32 whose = 0;
	struct event *event;

	if (is_task && in_scope(victim))
		whose |= 1;
	if (in_scope(asker))
		whose |= 2;
	if (!whose)
		return 0;
	event = reserve_event(sizeof(*event));
	if (!event)
		return 0;
	__builtin_memset(event, 0, sizeof(*event));
	event->time = bpf_ktime_get_ns();
	event->whose = whose;
	event->asker = asker->tgid;
	event->asker_inside = number_inside(asker->group_leader);
	bpf_probe_read_kernel(event->asker_name, COMM, asker->comm);
	if (is_task) {
		event->victim = BPF_CORE_READ(victim, tgid);
		event->victim_inside = number_inside(BPF_CORE_READ(victim, group_leader));
		bpf_probe_read_kernel(event->victim_name, COMM, victim->comm);
	} else {
		event->victim = context->args[0];
	}
	submit_event(event);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
