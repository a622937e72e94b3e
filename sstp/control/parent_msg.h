/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_PARENT_MSG_H
#define SSTP_CONTROL_PARENT_MSG_H
/*
 * What the parent and its children say to each other, over msgsock: one message a packet, descriptors with it.
 *
 * The parent reads what a child sends as if a stranger had sent it: the data plane talks to strangers, and the parent
 * is what it must not get into. Decoders take a whole packet with the right number of descriptors, or fail; what they
 * return borrows from the packet.
 */
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/prefix.h"

enum {
	PARENT_MSG_MAX = 8 << 10,      /* bytes of any message */
	PARENT_TEXT_MAX = 511,	       /* bytes of a sentence */
	PARENT_PATH_MAX = 4095,	       /* bytes of a path */
	PARENT_POOLS_MAX = 16,	       /* of a device */
	PARENT_QUEUES_MAX = 64,	       /* of a device; sockets of an address */
	PARENT_LISTENERS_MAX = 16,     /* addresses */
	PARENT_NAME_MAX = 255,	       /* bytes of a VNet's name */
	PARENT_ANNOUNCE_MAX = 1 << 17, /* prefixes of a VNet */
};

/* An ICMP echo of the gateway's own has the identifier of the probe that is watched, but for this bit. */
enum {
	PARENT_WATCH_OWN = 1,
};

/* Which link a kind belongs to, and its direction, are part of it. */
enum parent_kind {
	/* parent -> child, as it happens */
	PARENT_CONFIG = 1, /* data; 2 descriptors */
	PARENT_PEER = 2,   /* both; 1 descriptor: the channel to the other child (channel.h) */
	PARENT_DRAIN = 3,  /* data: take leave of every client, then end */
	PARENT_STATS = 4,  /* data: log the counters */
	/* parent -> data, each an answer to one question */
	PARENT_DEVICE = 0x41,
	PARENT_SOCKETS = 0x42,
	/* parent -> control, each an answer to one question; answers come in the order of the questions */
	PARENT_LEARN_SOCKET = 0x51, /* 1 descriptor (tun/rtnl_learn.h), unless it is refused */
	PARENT_ANNOUNCED = 0x52,
	PARENT_DIALLED = 0x53,	/* 1 descriptor, unless it is refused */
	PARENT_WATCHING = 0x54, /* 2 descriptors, 1 with an error of the second, or none */
	/* data -> parent, as it happens */
	PARENT_RESULT = 0x81,
	/* data -> parent: a question, and the next one only when it has been answered */
	PARENT_OPEN_DEVICE = 0xc1,
	PARENT_LISTEN = 0xc2,
	/* control -> parent: questions */
	PARENT_LEARN = 0xd1,	/* a socket that hears of the routes of a VNet's namespace */
	PARENT_ANNOUNCE = 0xd2, /* 1 descriptor: the prefixes, sealed (prefix_list.h) */
	PARENT_DIAL = 0xd3,	/* a socket in a VNet's namespace, to ask something there */
	PARENT_WATCH = 0xd4,	/* the packets of one probe there, and one of the gateway's own */
};

/* ---- CONFIG: gateway.yaml and the PEM files (gateway/pem_files.h), sealed (sealed.h), in this order ---- */

enum parent_reason {
	PARENT_START,	     /* the first one */
	PARENT_RELOAD,	     /* by the operator */
	PARENT_CERTIFICATES, /* only the PEM files are others */
	PARENT_REASONS,
};

struct parent_config {
	enum parent_reason reason;
	unsigned log_level; /* enum log_level; goes over the file's */
	const char *path;   /* what errors call the file */
};

/* ---- RESULT: what became of a CONFIG ---- */

struct parent_result {
	int error;	  /* 0, or -errno: nothing has changed */
	const char *text; /* why, a sentence; "" */
};

/* ---- OPEN_DEVICE, DEVICE: as vnet_open() ---- */

struct parent_open {
	const char *tun;
	const char *netns; /* "": the present one */
	uint16_t mtu;
	unsigned offload;
	unsigned queues; /* 1..PARENT_QUEUES_MAX */
	uint32_t addresses;
	struct prefix pools[PARENT_POOLS_MAX]; /* of both families */
	size_t n_pools;
};

/* With descriptors: its queues; rtnetlink; watch; the map if is_steered. On error none, and nothing but error and step. */
struct parent_device {
	int error; /* 0 or -errno */
	unsigned step;
	unsigned queues;
	const char *tun; /* its name */
	unsigned ifindex;
	unsigned offload;
	bool is_steered;
	int steer_error;
	bool is_forwarding;
};

/* ---- LISTEN, SOCKETS ---- */

struct parent_listen {
	unsigned index;	  /* of the addresses of gateway.yaml */
	unsigned sockets; /* 1..PARENT_QUEUES_MAX */
};

/* With descriptors; on error none. */
struct parent_sockets {
	int error;
	const char *text; /* a sentence; "" */
	unsigned sockets;
};

/* ---- LEARN, LEARN_SOCKET ---- */

struct parent_learn {
	const char *vnet;  /* comes back with the answer */
	const char *netns; /* "": the gateway's */
};

struct parent_learn_socket {
	const char *vnet;
	int error; /* 0 or -errno */
};

/* ---- ANNOUNCE, ANNOUNCED: what the routing daemon is to tell others of a VNet; no prefixes: nothing ---- */

struct parent_announce {
	const char *vnet;
	const char *netns;
	uint32_t table;
};

struct parent_announced {
	const char *vnet;
	int error;
	const char *text; /* why, a sentence; "" */
};

/* ---- DIAL, DIALLED ---- */

enum parent_dial_use {
	PARENT_DIAL_NAMES, /* UDP, connected to its port 53 */
	PARENT_DIAL_PORT,  /* TCP, on its way to be connected to the port */
	PARENT_DIAL_ECHO,  /* ICMP, connected */
	PARENT_DIAL_USES,
};

struct parent_dial {
	uint32_t id;	   /* comes back with the answer */
	const char *netns; /* "": the gateway's */
	struct prefix
		server; /* who is to be asked; 0.0.0.0/0: the kernel, by rtnetlink, whatever the use */
	enum parent_dial_use use;
	uint16_t port; /* 0 unless the use has one */
};

struct parent_dialled {
	uint32_t id;
	int error; /* 0 or -errno */
};

/* ---- WATCH, WATCHING ---- */

struct parent_watch {
	uint32_t id;	      /* comes back with the answer */
	const char *netns;    /* "": the gateway's */
	struct prefix target; /* one address */
	uint16_t port;	      /* of TCP; 0: an ICMP echo */
	uint16_t own;	      /* the probe's own port, or its identifier; not 0 */
};

struct parent_watching {
	uint32_t id;
	int error;     /* 0 or -errno: there is nothing */
	int own_error; /* of the gateway's own probe, likewise */
};

struct parent_msg {
	enum parent_kind kind;
	union {
		struct parent_config config;
		struct parent_result result;
		struct parent_open open;
		struct parent_device device;
		struct parent_listen listen;
		struct parent_sockets sockets;
		struct parent_learn learn;
		struct parent_learn_socket learn_socket;
		struct parent_announce announce;
		struct parent_announced announced;
		struct parent_dial dial;
		struct parent_dialled dialled;
		struct parent_watch watch;
		struct parent_watching watching;
	};
};

/* Into buf, borrowing m. Its length, or -EMSGSIZE: something is over its limit. */
int parent_msg_encode(const struct parent_msg *m, uint8_t buf[PARENT_MSG_MAX]);

/* How many descriptors go with m. */
unsigned parent_msg_fds(const struct parent_msg *m);

/*
 * A packet that came with nfds descriptors. 0, or -EBADMSG: it is no message, or none that the parent sends
 * (from_parent), or a child does.
 */
int parent_msg_decode(const uint8_t *packet, size_t len, unsigned nfds, bool from_parent,
		      struct parent_msg *ret_msg);

#endif
