// SPDX-License-Identifier: GPL-2.0
// Packets that the kernel throws away in the container's network namespace: the tracepoint skb:kfree_skb, with the
// reason (Linux 5.17) and the function that did it. Added up here by reason, place and what kind of packet it was.
#include "../../bpf/lost.h"
#include "../../bpf/net.h"

struct drop {
	__u64 location;
	__u32 reason;
	__u16 family;
	__u16 protocol;
	// The packet's destination port, for TCP and UDP.
	__u16 port;
	__u16 padding;
	char device[16];
};

struct drops {
	__u64 count;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct drop);
	__type(value, struct drops);
} table SEC(".maps");

// Arguments by number: the third one came with 5.17, the fourth with 6.11.
SEC("raw_tp/kfree_skb")
int on_drop(struct bpf_raw_tracepoint_args *context)
{
	const struct sk_buff *packet = (const void *)context->args[0];
	struct sock *sock = BPF_CORE_READ(packet, sk);
	struct net_device *device;
	struct drop drop = {};
	struct ends ends = {};
	struct drops first = { .count = 1 };
	struct drops *drops;

	if (sock ? !network_of_socket(sock) : !network_of_packet(packet))
		return 0;
	drop.location = context->args[1];
	drop.reason = context->args[2];
	ends_of_packet(&ends, packet);
	drop.family = ends.family;
	drop.protocol = ends.protocol;
	drop.port = ends.local_port;
	device = BPF_CORE_READ(packet, dev);
	if (device && BPF_CORE_READ(device, nd_net.net, ns.inum) == scope.network)
		bpf_probe_read_kernel_str(drop.device, sizeof(drop.device), device->name);
	first.bytes = BPF_CORE_READ(packet, len);
	drops = bpf_map_lookup_elem(&table, &drop);
	if (!drops) {
		if (!bpf_map_update_elem(&table, &drop, &first, BPF_NOEXIST))
			return 0;
		drops = bpf_map_lookup_elem(&table, &drop);
		if (!drops) {
			count_lost();
			return 0;
		}
	}
	__sync_fetch_and_add(&drops->count, 1);
	__sync_fetch_and_add(&drops->bytes, first.bytes);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
