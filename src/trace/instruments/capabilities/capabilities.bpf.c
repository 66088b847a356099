// SPDX-License-Identifier: GPL-2.0
// Which capabilities the container's processes are asked for, in which system call, and with which answer. The kernel
// asks on every fork and every exec, so answers are added up here and no event leaves the kernel.
//
// An answer of "no" is not a failure yet: much of the kernel asks first and has another way. So a call in which
// something was denied is followed to its end, and counted as refused when it returned EPERM or EACCES.
#include "../../bpf/lost.h"
#include "../../bpf/scope.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct task_struct___credentials {
	const void *real_cred;
};
#pragma clang attribute pop

#define EPERM 1
#define EACCES 13
#define CAP_SYS_ADMIN 21
#define ASKERS 4

struct asked {
	__u32 capability;
	// System call, or -1.
	__s32 call;
	char name[COMM];
	// Of SYS_ADMIN alone: the innermost return addresses. Wherever memory is accounted the kernel asks for it on its own
	// behalf (security_vm_enough_memory_mm() of security/security.c), in fork and mmap as well as in a write to a tmpfs.
	__u64 askers[ASKERS];
};

struct answers {
	__u64 granted;
	__u64 denied;
	// Calls with a denied one that ended with EPERM or EACCES.
	__u64 refused;
	// The last process.
	__u32 pid;
	__u32 uid;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct asked);
	__type(value, struct answers);
} table SEC(".maps");

// What was denied in the call that a thread is in.
struct pending {
	__u64 capabilities;
	__s32 call;
	__u32 padding;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct pending);
} calls SEC(".maps");

// How many threads are in such a call, so that all other calls of the machine pay for a comparison only.
__u64 in_denied_call;

HELPER struct answers *answers_of(struct asked *asked)
{
	struct answers *answers = bpf_map_lookup_elem(&table, asked);
	struct answers none = {};

	if (answers)
		return answers;
	bpf_map_update_elem(&table, asked, &none, BPF_NOEXIST);
	answers = bpf_map_lookup_elem(&table, asked);
	if (!answers)
		count_lost();
	return answers;
}

HELPER void note_denied(struct asked *asked)
{
	__u32 thread = bpf_get_current_pid_tgid();
	struct pending *pending = bpf_map_lookup_elem(&calls, &thread);
	struct pending first = { .capabilities = 1ULL << (asked->capability & 63), .call = asked->call };

	if (pending && pending->call == asked->call) {
		pending->capabilities |= first.capabilities;
		return;
	}
	if (!bpf_map_update_elem(&calls, &thread, &first, BPF_ANY) && !pending)
		__sync_fetch_and_add(&in_denied_call, 1);
}

// The kernel also acts in the name of others while it works for a process: overlayfs writes to its upper layer with the
// credentials of who mounted it, access(2) asks with those of the real uid. What they may do says nothing about the
// process.
HELPER bool is_its_own(struct task_struct *task, const void *credentials)
{
	return credentials == BPF_CORE_READ((struct task_struct___credentials *)task, real_cred);
}

HELPER int note(void *context, const void *credentials, __u32 capability, int result)
{
	struct task_struct *task = current_task();
	struct asked asked = { .capability = capability };
	struct answers *answers;

	if (!in_scope_direct(task) || !is_its_own(task, credentials))
		return 0;
	asked.call = current_syscall();
	bpf_get_current_comm(asked.name, COMM);
	if (capability == CAP_SYS_ADMIN)
		bpf_get_stack(context, asked.askers, sizeof(asked.askers), 0);
	answers = answers_of(&asked);
	if (!answers)
		return 0;
	answers->pid = task->tgid;
	answers->uid = bpf_get_current_uid_gid();
	if (result == 0) {
		__sync_fetch_and_add(&answers->granted, 1);
		return 0;
	}
	__sync_fetch_and_add(&answers->denied, 1);
	note_denied(&asked);
	return 0;
}

// Since Linux 6.14.
SEC("tp_btf/cap_capable")
int BPF_PROG(on_capable, const void *cred, void *target, const void *capable, int capability, int result)
{
	return note(ctx, cred, capability, result);
}

// Before that, where the kernel lets its functions be followed.
SEC("fexit/cap_capable")
int BPF_PROG(on_capable_function, const void *cred, void *target, int capability, unsigned int options, int result)
{
	return note(ctx, cred, capability, result);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_call_end, void *registers, long result)
{
	__u32 thread;
	struct pending *pending;
	struct asked asked = {};

	if (!in_denied_call)
		return 0;
	thread = bpf_get_current_pid_tgid();
	pending = bpf_map_lookup_elem(&calls, &thread);
	if (!pending)
		return 0;
	__sync_fetch_and_add(&in_denied_call, -1);
	asked.call = pending->call;
	if ((result == -EPERM || result == -EACCES) && syscall_of_registers(registers) == asked.call) {
		__u64 denied = pending->capabilities;

		bpf_get_current_comm(asked.name, COMM);
		for (__u32 capability = 0; capability < 64; capability++) {
			struct answers *answers;

			if (!(denied & (1ULL << capability)))
				continue;
			asked.capability = capability;
			answers = answers_of(&asked);
			if (answers)
				__sync_fetch_and_add(&answers->refused, 1);
		}
	}
	bpf_map_delete_elem(&calls, &thread);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
