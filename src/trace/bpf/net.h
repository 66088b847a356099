// SPDX-License-Identifier: GPL-2.0
// Sockets and packets. What happens to a packet happens in whatever task the interrupt met, so the network namespace
// tells whose it is, not the task.
#pragma once
#include "scope.h"

#define AF_INET 2
#define AF_INET6 10

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
typedef struct {
	struct net *net;
} possible_net_t;
struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};
struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	unsigned char skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};
struct sock {
	struct sock_common __sk_common;
	int sk_err;
	__u16 sk_protocol;
};
struct net_device {
	possible_net_t nd_net;
	char name[16];
};
struct dst_entry {
	struct net_device *dev;
};
struct sk_buff {
	struct sock *sk;
	struct net_device *dev;
	unsigned long _skb_refdst;
	unsigned char *head;
	__u16 network_header;
	__u16 transport_header;
	__be16 protocol;
	unsigned int len;
};
#pragma clang attribute pop

HELPER bool network_of_socket(const struct sock *sock)
{
	return sock && BPF_CORE_READ(sock, __sk_common.skc_net.net, ns.inum) == scope.network;
}

// Of a packet without a socket: the device that it came by, or that it was to leave by. A socket's queue uses the place
// of the device for something else, which then is no address and is not in any namespace.
HELPER bool network_of_packet(const struct sk_buff *packet)
{
	struct net_device *device = BPF_CORE_READ(packet, dev);
	struct dst_entry *route = (void *)(BPF_CORE_READ(packet, _skb_refdst) & ~1UL);

	if (device && BPF_CORE_READ(device, nd_net.net, ns.inum) == scope.network)
		return true;
	return route && BPF_CORE_READ(route, dev, nd_net.net, ns.inum) == scope.network;
}

// IPv4 and IPv6 alike in 16 bytes; IPv4 in the first four.
struct ends {
	__u16 family;
	__u16 local_port;
	__u16 remote_port;
	__u16 protocol;
	__u8 local[16];
	__u8 remote[16];
};

HELPER void ends_of_socket(struct ends *ends, const struct sock *sock)
{
	ends->family = BPF_CORE_READ(sock, __sk_common.skc_family);
	ends->local_port = BPF_CORE_READ(sock, __sk_common.skc_num);
	ends->remote_port = bpf_ntohs(BPF_CORE_READ(sock, __sk_common.skc_dport));
	if (ends->family == AF_INET6) {
		BPF_CORE_READ_INTO(&ends->local, sock, __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO(&ends->remote, sock, __sk_common.skc_v6_daddr);
		return;
	}
	BPF_CORE_READ_INTO(&ends->local, sock, __sk_common.skc_rcv_saddr);
	BPF_CORE_READ_INTO(&ends->remote, sock, __sk_common.skc_daddr);
}

// As the packet's own headers say: source is remote, destination local, as for a packet that arrives.
HELPER void ends_of_packet(struct ends *ends, const struct sk_buff *packet)
{
	unsigned char *head = BPF_CORE_READ(packet, head);
	__u16 network = BPF_CORE_READ(packet, network_header);
	__u16 transport = BPF_CORE_READ(packet, transport_header);
	__u8 version = 0;
	__be16 ports[2] = {};

	if (network == 0 || network == 0xffff)
		return;
	bpf_probe_read_kernel(&version, 1, head + network);
	version >>= 4;
	if (version == 4) {
		ends->family = AF_INET;
		bpf_probe_read_kernel(&ends->protocol, 1, head + network + 9);
		bpf_probe_read_kernel(ends->remote, 4, head + network + 12);
		bpf_probe_read_kernel(ends->local, 4, head + network + 16);
	} else if (version == 6) {
		ends->family = AF_INET6;
		bpf_probe_read_kernel(&ends->protocol, 1, head + network + 6);
		bpf_probe_read_kernel(ends->remote, 16, head + network + 8);
		bpf_probe_read_kernel(ends->local, 16, head + network + 24);
	} else {
		return;
	}
	// TCP and UDP. Before the transport layer has seen the packet its header is not set: IPv4's own length tells.
	if (ends->protocol != 6 && ends->protocol != 17)
		return;
	if (transport == 0xffff || transport <= network) {
		__u8 length = 0;

		bpf_probe_read_kernel(&length, 1, head + network);
		transport = network + (version == 4 ? (length & 15) * 4 : 40);
	}
	bpf_probe_read_kernel(ports, sizeof(ports), head + transport);
	ends->remote_port = bpf_ntohs(ports[0]);
	ends->local_port = bpf_ntohs(ports[1]);
}
