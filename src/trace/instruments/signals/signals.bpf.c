// SPDX-License-Identifier: GPL-2.0
// Who sends which signal to whom, and what became of it: the tracepoint signal:signal_generate of
// include/trace/events/signal.h, with its result (TRACE_SIGNAL_DELIVERED, _IGNORED, _ALREADY_PENDING, _OVERFLOW_FAIL,
// _LOSE_INFO). A signal counts when its target or its sender is in the container.
#include "../../bpf/scope.h"
#include "../../bpf/ring.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct kernel_siginfo {
	int si_code;
};
#pragma clang attribute pop

struct event {
	__u64 time;
	__u32 signal;
	__u32 result;
	// SI_USER 0, SI_KERNEL 0x80 and the rest of include/uapi/asm-generic/siginfo.h.
	__s32 code;
	__u32 group;
	__u32 target;
	__u32 target_inside;
	__u32 sender;
	__u32 sender_inside;
	char target_name[COMM];
	char sender_name[COMM];
};

// SEND_SIG_NOINFO and SEND_SIG_PRIV of include/linux/signal_types.h stand for an info that was not written out.
HELPER __s32 code_of(struct kernel_siginfo *info)
{
	if ((unsigned long)info == 0)
		return 0;
	if ((unsigned long)info == 1)
		return 0x80;
	return BPF_CORE_READ(info, si_code);
}

SEC("tp_btf/signal_generate")
int BPF_PROG(on_signal, int signal, struct kernel_siginfo *info, struct task_struct *target, int group, int result)
{
	struct task_struct *sender = current_task();
	__u32 target_inside, sender_inside;
	struct event *event;

	// A number there is as good as being in the container's pid namespace, and needed anyway.
	target_inside = number_inside_direct(group ? target->group_leader : target);
	sender_inside = target == sender && group ? target_inside : number_inside_direct(sender->group_leader);
	if (scope.kind == SCOPE_PID_NAMESPACE ? !target_inside && !sender_inside :
						!in_scope(target) && !in_scope(sender))
		return 0;
	event = reserve_event(sizeof(*event));
	if (!event)
		return 0;
	event->time = bpf_ktime_get_ns();
	event->signal = signal;
	event->result = result;
	event->code = code_of(info);
	event->group = group;
	event->target = group ? target->tgid : target->pid;
	event->target_inside = target_inside;
	event->sender = sender->tgid;
	event->sender_inside = sender_inside;
	copy_name(event->target_name, target);
	copy_name(event->sender_name, sender);
	submit_event(event);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
