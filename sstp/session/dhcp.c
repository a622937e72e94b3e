/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/dhcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "sstp/base/wire.h"
#include "tun/csum.h"
#include "tun/ip.h"

enum {
	IP_HEADER = 20,
	UDP_HEADER = 8,
	SERVER_PORT = 67,
	CLIENT_PORT = 68,
	FRAGMENT_MASK = 0x3fff, /* of the third field: more fragments, and the offset */
	DO_NOT_FRAGMENT = 0x4000,
	TTL = 64,

	BOOTP_HEADER = 236,
	BOOTP_MIN = 300, /* RFC 1542 section 2.1 */
	BOOT_REQUEST = 1,
	BOOT_REPLY = 2,
	HARDWARE_ADDRESS = 16,
	NAMES = 64 + 128, /* of a server and of a file to boot from */
	MESSAGE_MIN = 576,

	OPTION_PAD = 0,
	OPTION_MASK = 1,
	OPTION_DNS = 6,
	OPTION_DOMAIN = 15,
	OPTION_MESSAGE_TYPE = 53,
	OPTION_SERVER = 54,
	OPTION_WANTED = 55,
	OPTION_MAX_SIZE = 57,
	OPTION_SEARCH = 119,
	OPTION_ROUTES = 121,
	OPTION_ROUTES_249 = 249,
	OPTION_END = 255,
	OPTION_LEN_MAX = 255,
	MESSAGE_ACK = 5,
	MESSAGE_INFORM = 8,

	LABEL_MAX = 63,
	DOMAIN_MAX = 253,
};

static const uint32_t cookie = 0x63825363;

/* What is left out when there is no room, step by step. */
enum brevity {
	ALL,
	ROUTES_ONCE,
	NO_ROUTES,
	NO_SEARCH_LIST,
	BREVITIES,
};

struct request {
	uint8_t hardware_type, hardware_len;
	uint32_t id;
	uint16_t flags;
	uint32_t client_be;
	uint32_t relay;
	const uint8_t *hardware;
	unsigned message;
	uint16_t max_size; /* 0: not said */
	bool wanted[OPTION_END + 1];
};

/* ---- reading ---- */

/* The UDP payload; failed: it is no whole datagram between the ports, or its checksum is wrong. */
static struct wire_reader read_udp(const uint8_t *pkt, const struct ip_info *ip)
{
	struct wire_reader r = wire_reader(pkt, ip->total_len);
	struct wire_reader udp;
	size_t len = (size_t)ip->total_len - ip->header_len;
	uint16_t from, to, udp_len, sum;

	wire_bytes(&r, ip->header_len);
	udp = r;
	from = wire_be16(&r);
	to = wire_be16(&r);
	udp_len = wire_be16(&r);
	sum = wire_be16(&r);
	if (from != CLIENT_PORT || to != SERVER_PORT || udp_len < UDP_HEADER || udp_len > len)
		r.failed = true;
	if (wire_ok(&r) && sum &&
	    csum_fold(csum_add(csum_pseudo_v4(pkt + 12, IPPROTO_UDP, udp_len),
			       wire_bytes(&udp, udp_len), udp_len)) != 0xffff)
		r.failed = true;
	return wire_sub(&r, wire_ok(&r) ? (size_t)udp_len - UDP_HEADER : 0);
}

static void read_option(struct request *q, unsigned code, struct wire_reader *value)
{
	switch (code) {
	case OPTION_MESSAGE_TYPE:
		q->message = wire_u8(value);
		value->failed |= !wire_done(value);
		break;
	case OPTION_MAX_SIZE:
		q->max_size = wire_be16(value);
		value->failed |= !wire_done(value);
		break;
	case OPTION_WANTED:
		while (wire_left(value))
			q->wanted[wire_u8(value)] = true;
		break;
	default: break;
	}
}

/* False: one does not fit, or the end is missing. */
static bool read_options(struct wire_reader *r, struct request *q)
{
	while (wire_left(r)) {
		unsigned code = wire_u8(r);
		struct wire_reader value;

		if (code == OPTION_PAD)
			continue;
		if (code == OPTION_END)
			return true;
		value = wire_sub(r, wire_u8(r));
		read_option(q, code, &value);
		if (!wire_ok(&value) || !wire_ok(r))
			return false;
	}
	return false;
}

static bool read_message(struct wire_reader *r, struct request *q)
{
	const uint8_t *client;
	unsigned op = wire_u8(r);

	q->hardware_type = wire_u8(r);
	q->hardware_len = wire_u8(r);
	wire_u8(r); /* hops */
	q->id = wire_be32(r);
	wire_be16(r); /* seconds */
	q->flags = wire_be16(r);
	client = wire_bytes(r, sizeof(q->client_be));
	wire_bytes(r, 2 * sizeof(uint32_t)); /* yours, the next server's */
	q->relay = wire_be32(r);
	q->hardware = wire_bytes(r, HARDWARE_ADDRESS);
	wire_bytes(r, NAMES);
	if (wire_be32(r) != cookie || !wire_ok(r))
		return false;
	memcpy(&q->client_be, client, sizeof(q->client_be));
	return op == BOOT_REQUEST && q->hardware_len <= HARDWARE_ADDRESS && read_options(r, q);
}

static bool read_request(const struct dhcp_offer *o, const uint8_t *pkt, size_t len,
			 struct request *ret_request)
{
	struct request q = {0};
	struct wire_reader r;
	struct ip_info ip;

	if (ip_parse(pkt, len, &ip) < 0 || ip.protocol != IPPROTO_UDP ||
	    (pkt[6] << 8 | pkt[7]) & FRAGMENT_MASK)
		return false;
	if (ip.src_be != o->client_be ||
	    (ip.dst_be != INADDR_BROADCAST && ip.dst_be != o->server_be))
		return false;
	r = read_udp(pkt, &ip);
	if (!read_message(&r, &q))
		return false;
	if (q.message != MESSAGE_INFORM || q.client_be != o->client_be || q.relay)
		return false;
	*ret_request = q;
	return true;
}

/* ---- options ---- */

/* As often as it takes (RFC 3396). Empty: not at all. */
static void put_option(struct wire_writer *w, uint8_t code, const void *value, size_t len)
{
	const uint8_t *p = value;

	while (len > 0) {
		size_t n = len < OPTION_LEN_MAX ? len : OPTION_LEN_MAX;

		wire_put_u8(w, code);
		wire_put_u8(w, (uint8_t)n);
		wire_put(w, p, n);
		p += n;
		len -= n;
	}
}

/* RFC 1035 section 3.1, without a dot at its end; one that is no name is left out. */
static void put_name(struct wire_writer *w, const char *name)
{
	struct wire_writer before = *w;

	for (;;) {
		size_t n = strcspn(name, ".");

		if (n == 0 || n > LABEL_MAX) {
			*w = before;
			return;
		}
		wire_put_u8(w, (uint8_t)n);
		wire_put(w, name, n);
		name += n;
		if (*name == '\0' || name[1] == '\0')
			break;
		name++;
	}
	wire_put_u8(w, 0);
}

static void put_search_list(struct wire_writer *w, const struct dhcp_offer *o,
			    struct dhcp_answer *answer)
{
	uint8_t value[DHCP_PACKET_MAX];
	struct wire_writer list = wire_writer(value, sizeof(value));

	for (size_t i = 0; i < o->n_domains; i++)
		put_name(&list, o->domains[i]);
	w->failed |= list.failed;
	answer->is_split |= wire_len(&list) > OPTION_LEN_MAX;
	put_option(w, OPTION_SEARCH, value, wire_len(&list));
}

/* RFC 3442: its length, its significant bytes, the router. */
static void put_route(struct wire_writer *w, const struct prefix *p, uint32_t router_be)
{
	if (p->family != AF_INET)
		return;
	wire_put_u8(w, p->len);
	wire_put(w, p->addr, (p->len + 7u) / 8);
	wire_put(w, &router_be, sizeof(router_be));
}

static void put_routes(struct wire_writer *w, const struct dhcp_offer *o, const struct request *q,
		       enum brevity brevity, struct dhcp_answer *answer)
{
	bool is_once = brevity == ROUTES_ONCE && q->wanted[OPTION_ROUTES];
	uint8_t value[DHCP_PACKET_MAX];
	struct wire_writer list = wire_writer(value, sizeof(value));

	if (!q->wanted[OPTION_ROUTES] && !q->wanted[OPTION_ROUTES_249])
		return;
	answer->lacks_routes = brevity >= NO_ROUTES && o->n_routes > 0;
	if (brevity >= NO_ROUTES)
		return;
	for (size_t i = 0; i < o->n_routes && !list.failed; i++)
		put_route(&list, &o->routes[i], o->server_be);
	w->failed |= list.failed;
	answer->is_split |= wire_len(&list) > OPTION_LEN_MAX;
	if (q->wanted[OPTION_ROUTES])
		put_option(w, OPTION_ROUTES, value, wire_len(&list));
	if (q->wanted[OPTION_ROUTES_249] && !is_once)
		put_option(w, OPTION_ROUTES_249, value, wire_len(&list));
}

static void put_options(struct wire_writer *w, const struct dhcp_offer *o, const struct request *q,
			enum brevity brevity, struct dhcp_answer *answer)
{
	static const uint8_t ack = MESSAGE_ACK;
	static const uint32_t mask = INADDR_BROADCAST; /* a link of two */

	put_option(w, OPTION_MESSAGE_TYPE, &ack, sizeof(ack));
	put_option(w, OPTION_SERVER, &o->server_be, sizeof(o->server_be));
	if (q->wanted[OPTION_MASK])
		put_option(w, OPTION_MASK, &mask, sizeof(mask));
	if (q->wanted[OPTION_DNS])
		put_option(w, OPTION_DNS, o->dns_be, o->n_dns * sizeof(*o->dns_be));
	if (q->wanted[OPTION_DOMAIN] && o->n_domains && strlen(o->domains[0]) <= DOMAIN_MAX)
		put_option(w, OPTION_DOMAIN, o->domains[0], strlen(o->domains[0]));
	if (q->wanted[OPTION_SEARCH] && o->n_domains > 1 && brevity < NO_SEARCH_LIST)
		put_search_list(w, o, answer);
	put_routes(w, o, q, brevity, answer);
	wire_put_u8(w, OPTION_END);
}

/* ---- the answer ---- */

static void put_message(struct wire_writer *w, const struct request *q)
{
	wire_put_u8(w, BOOT_REPLY);
	wire_put_u8(w, q->hardware_type);
	wire_put_u8(w, q->hardware_len);
	wire_put_u8(w, 0);
	wire_put_be32(w, q->id);
	wire_put_be16(w, 0);
	wire_put_be16(w, q->flags);
	wire_put(w, &q->client_be, sizeof(q->client_be));
	wire_put_zero(w, 3 * sizeof(uint32_t)); /* yours, the next server's, the relay's */
	wire_put(w, q->hardware, HARDWARE_ADDRESS);
	wire_put_zero(w, NAMES);
	wire_put_be32(w, cookie);
}

static void put_headers(const struct dhcp_offer *o, uint8_t *packet, size_t len)
{
	struct wire_writer w = wire_writer(packet, len);
	uint16_t udp_len = (uint16_t)(len - IP_HEADER), sum;

	wire_put(&w, (uint8_t[]){0x45, 0}, 2);
	wire_put_be16(&w, (uint16_t)len);
	wire_put_be16(&w, 0); /* never cut: it needs no number (RFC 6864) */
	wire_put_be16(&w, DO_NOT_FRAGMENT);
	wire_put(&w, (uint8_t[]){TTL, IPPROTO_UDP, 0, 0}, 4);
	wire_put(&w, &o->server_be, sizeof(o->server_be));
	wire_put(&w, &o->client_be, sizeof(o->client_be));
	wire_put_be16(&w, SERVER_PORT);
	wire_put_be16(&w, CLIENT_PORT);
	wire_put_be16(&w, udp_len);
	wire_put_be16(&w, 0);
	sum = (uint16_t)~csum_fold(csum_add(0, packet, IP_HEADER));
	memcpy(packet + 10, &sum, sizeof(sum));
	sum = (uint16_t)~csum_fold(csum_add(csum_pseudo_v4(packet + 12, IPPROTO_UDP, udp_len),
					    packet + IP_HEADER, udp_len));
	sum = sum ? sum : 0xffff; /* 0: there is none (RFC 768) */
	memcpy(packet + IP_HEADER + 6, &sum, sizeof(sum));
}

/* False: there is no room. */
static bool write_answer(const struct dhcp_offer *o, const struct request *q, enum brevity brevity,
			 uint8_t *packet, size_t max, struct dhcp_answer *ret_answer)
{
	struct dhcp_answer answer = {0};
	struct wire_writer w = wire_writer(packet, max);
	const size_t least = IP_HEADER + UDP_HEADER + BOOTP_MIN;

	wire_put_zero(&w, IP_HEADER + UDP_HEADER);
	put_message(&w, q);
	put_options(&w, o, q, brevity, &answer);
	if (w.failed)
		return false;
	if (wire_len(&w) < least)
		wire_put_zero(&w, least - wire_len(&w));
	answer.len = wire_len(&w);
	put_headers(o, packet, answer.len);
	*ret_answer = answer;
	return true;
}

int dhcp_answer(const struct dhcp_offer *offer, const uint8_t *pkt, size_t len,
		uint8_t ret_packet[DHCP_PACKET_MAX], struct dhcp_answer *ret_answer)
{
	size_t max = offer->max < DHCP_PACKET_MAX ? offer->max : DHCP_PACKET_MAX;
	struct request q;

	if (!read_request(offer, pkt, len, &q))
		return -ENOMSG;
	if (q.max_size >= MESSAGE_MIN && q.max_size < max)
		max = q.max_size;
	for (int brevity = ALL; brevity < BREVITIES; brevity++)
		if (write_answer(offer, &q, (enum brevity)brevity, ret_packet, max, ret_answer))
			return 0;
	return -ENOMSG;
}
