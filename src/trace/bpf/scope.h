// SPDX-License-Identifier: GPL-2.0
// Which tasks are the container's. Filled in before the object is loaded (src/trace/target.ts), so the verifier
// knows the values and leaves out what they rule out.
#pragma once
#include "kernel.h"

enum scope_kind {
	SCOPE_PID_NAMESPACE = 1,
	SCOPE_CGROUP_V2 = 2,
	SCOPE_CGROUP_MEMORY = 3,
	SCOPE_CGROUP_PIDS = 4,
};

struct scope {
	__u32 kind;
	// Of the pid namespace below the machine's own; of the cgroup below its hierarchy's root.
	__u32 depth;
	// The pid namespace's number, or the number of the cgroup's directory.
	__u64 id;
	// The network namespace's number.
	__u32 network;
	__u32 padding;
};
const volatile struct scope scope SEC(".rodata.scope") = {};

enum cgroup_subsys_id {
	memory_cgrp_id,
	pids_cgrp_id,
};

// A pid's number in the container and the namespace there. A pid of a namespace nested in the container's has greater
// levels, and still a number at the container's depth.
HELPER struct upid *number_of(struct pid *pid)
{
	return (void *)pid + bpf_core_field_offset(struct pid, numbers) + scope.depth * bpf_core_type_size(struct upid);
}

HELPER bool is_inside(struct pid *pid)
{
	// Not in one expression: BPF_CORE_READ would relocate what leads to its first argument, too.
	struct upid *number = number_of(pid);

	return BPF_CORE_READ(number, ns, ns.inum) == (__u32)scope.id;
}

HELPER bool in_pid_namespace(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);

	// Tasks of the host are done with here: most of the machine's events are theirs.
	if (!pid || BPF_CORE_READ(pid, level) < scope.depth)
		return false;
	return is_inside(pid);
}

// Whether a cgroup is the container's or below it.
HELPER bool in_cgroup(struct cgroup *cgroup)
{
	int above = BPF_CORE_READ(cgroup, level) - (int)scope.depth;

	if (above < 0)
		return false;
	for (int step = 0; step < 16 && step < above; step++) {
		cgroup = BPF_CORE_READ(cgroup, self.parent, cgroup);
		if (!cgroup)
			return false;
	}
	return BPF_CORE_READ(cgroup, kn, id) == scope.id;
}

HELPER bool in_controller(struct task_struct *task, __u32 subsystem)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup_subsys_state *state = NULL;
	struct cgroup *cgroup;

	bpf_probe_read_kernel(&state, sizeof(state),
			      (void *)set + bpf_core_field_offset(struct css_set, subsys) + subsystem * sizeof(state));
	if (!state)
		return false;
	cgroup = BPF_CORE_READ(state, cgroup);
	return in_cgroup(cgroup);
}

// For any program type and any pointer to a task.
HELPER bool in_scope(struct task_struct *task)
{
	switch (scope.kind) {
	case SCOPE_PID_NAMESPACE:
		return in_pid_namespace(task);
	case SCOPE_CGROUP_V2:
		return in_cgroup(BPF_CORE_READ(task, cgroups, dfl_cgrp));
	case SCOPE_CGROUP_MEMORY:
		return in_controller(task, bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id));
	case SCOPE_CGROUP_PIDS:
		return in_controller(task, bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id));
	default:
		return false;
	}
}

HELPER bool current_in_scope(void)
{
	return in_scope(current_task());
}

// For tp_btf programs, whose task pointers the verifier follows by itself: tasks of the host cost two loads.
HELPER bool in_scope_direct(struct task_struct *task)
{
	if (scope.kind == SCOPE_PID_NAMESPACE) {
		struct pid *pid = task->thread_pid;

		if (!pid || pid->level < scope.depth)
			return false;
		return is_inside(pid);
	}
	return in_scope(task);
}

// A process's number as the container sees it; 0 for a process that is not in its pid namespace.
HELPER __u32 number_inside(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	struct upid *number;

	if (scope.kind != SCOPE_PID_NAMESPACE)
		return BPF_CORE_READ(task, pid);
	if (!pid || BPF_CORE_READ(pid, level) < scope.depth || !is_inside(pid))
		return 0;
	number = number_of(pid);
	return BPF_CORE_READ(number, nr);
}

// The same for tp_btf programs, by two reads in place of six.
HELPER __u32 number_inside_direct(struct task_struct *task)
{
	struct pid *pid = task->thread_pid;
	struct upid number = {};

	if (scope.kind != SCOPE_PID_NAMESPACE)
		return task->pid;
	if (!pid || pid->level < scope.depth)
		return 0;
	bpf_probe_read_kernel(&number, sizeof(number), number_of(pid));
	return BPF_CORE_READ(number.ns, ns.inum) == (__u32)scope.id ? number.nr : 0;
}

// Names are at an even place in both: two loads, and no helper.
HELPER void copy_name(char *name, struct task_struct *task)
{
	((__u64 *)name)[0] = ((__u64 *)task->comm)[0];
	((__u64 *)name)[1] = ((__u64 *)task->comm)[1];
}
