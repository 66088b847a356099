// SPDX-License-Identifier: GPL-2.0
// What goes wrong on TCP connections of the container's network namespace: segments sent again, resets in both
// directions, connections that did not come about. Changes of state are added up; what goes wrong is told one by one.
#include "../../bpf/net.h"
#include "../../bpf/ring.h"

#define TCP 6
// The byte of the header that has the flags, and the one of a reset (RFC 9293).
#define TCP_FLAGS 13
#define TCP_RESET 4

enum tcp_state {
	STATE_ESTABLISHED = 1,
	STATE_SYN_SENT = 2,
	STATE_SYN_RECEIVED = 3,
	STATE_CLOSE = 7,
	STATES = 13,
};

enum event_kind {
	EVENT_RETRANSMIT = 1,
	EVENT_RESET_SENT = 2,
	EVENT_RESET_RECEIVED = 3,
	EVENT_FAILED = 4,
};

struct event {
	__u64 time;
	__u32 kind;
	// As before the event.
	__u32 state;
	// errno of a connection that ended with one.
	__u32 error;
	__u32 padding;
	struct ends ends;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, STATES * STATES);
	__type(key, __u32);
	__type(value, __u64);
} changes SEC(".maps");

HELPER struct event *begin(__u32 kind, const struct sock *sock)
{
	struct event *event = reserve_event(sizeof(*event));

	if (!event)
		return NULL;
	__builtin_memset(event, 0, sizeof(*event));
	event->time = bpf_ktime_get_ns();
	event->kind = kind;
	if (sock) {
		event->state = BPF_CORE_READ(sock, __sk_common.skc_state);
		event->error = BPF_CORE_READ(sock, sk_err);
		ends_of_socket(&event->ends, sock);
	}
	return event;
}

SEC("raw_tp/tcp_retransmit_skb")
int on_retransmit(struct bpf_raw_tracepoint_args *context)
{
	const struct sock *sock = (const void *)context->args[0];
	struct event *event;

	if (!network_of_socket(sock))
		return 0;
	event = begin(EVENT_RETRANSMIT, sock);
	if (event)
		submit_event(event);
	return 0;
}

HELPER int reset_sent(const struct sock *sock, const struct sk_buff *packet)
{
	struct event *event;

	if (sock ? !network_of_socket(sock) : !packet || !network_of_packet(packet))
		return 0;
	event = begin(EVENT_RESET_SENT, sock);
	if (!event)
		return 0;
	if (!sock)
		ends_of_packet(&event->ends, packet);
	submit_event(event);
	return 0;
}

// Without a socket when the packet was for a port where nobody listens.
SEC("raw_tp/tcp_send_reset")
int on_reset_sent(struct bpf_raw_tracepoint_args *context)
{
	return reset_sent((const void *)context->args[0], (const void *)context->args[1]);
}

// Before Linux 6.10 the tracepoint tells of resets that a socket sends only, and the functions that make the others
// have to: net/ipv4/tcp_ipv4.c, net/ipv6/tcp_ipv6.c. They do not answer a reset.
HELPER int reset_without_socket(const struct sock *sock, const struct sk_buff *packet)
{
	unsigned char *header = BPF_CORE_READ(packet, head) + BPF_CORE_READ(packet, transport_header);
	__u8 flags = 0;

	if (sock)
		return 0;
	bpf_probe_read_kernel(&flags, 1, header + TCP_FLAGS);
	return flags & TCP_RESET ? 0 : reset_sent(NULL, packet);
}

SEC("fentry/tcp_v4_send_reset")
int BPF_PROG(on_reset_v4, const struct sock *sock, const struct sk_buff *packet)
{
	return reset_without_socket(sock, packet);
}

SEC("fentry/tcp_v6_send_reset")
int BPF_PROG(on_reset_v6, const struct sock *sock, const struct sk_buff *packet)
{
	return reset_without_socket(sock, packet);
}

SEC("raw_tp/tcp_receive_reset")
int on_reset_received(struct bpf_raw_tracepoint_args *context)
{
	const struct sock *sock = (const void *)context->args[0];
	struct event *event;

	if (!network_of_socket(sock))
		return 0;
	event = begin(EVENT_RESET_RECEIVED, sock);
	if (event)
		submit_event(event);
	return 0;
}

SEC("raw_tp/inet_sock_set_state")
int on_state(struct bpf_raw_tracepoint_args *context)
{
	const struct sock *sock = (const void *)context->args[0];
	__u32 before = context->args[1], after = context->args[2];
	__u32 change = before * STATES + after;
	struct event *event;
	__u64 *count;

	if (before >= STATES || after >= STATES || !network_of_socket(sock))
		return 0;
	if (BPF_CORE_READ(sock, sk_protocol) != TCP)
		return 0;
	count = bpf_map_lookup_elem(&changes, &change);
	if (count)
		__sync_fetch_and_add(count, 1);
	if (after != STATE_CLOSE || (before != STATE_SYN_SENT && before != STATE_SYN_RECEIVED))
		return 0;
	event = begin(EVENT_FAILED, sock);
	if (!event)
		return 0;
	event->state = before;
	submit_event(event);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
