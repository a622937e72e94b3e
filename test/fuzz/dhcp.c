/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two bytes that say what there is to offer, and then any bytes as a client's packet. An answer is a whole packet of at most
 * what the tunnel takes, which ends with its options, and is no question itself.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sstp/session/dhcp.h"
#include "tun/ip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	ROUTES_MAX = 256,
	OPTIONS_AT = 20 + 8 + 240,
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* Ends where it says so, with zeros behind. */
static void check_options(const uint8_t *packet, size_t len)
{
	size_t at = OPTIONS_AT;

	while (at < len && packet[at] != 255) {
		must(packet[at] != 0 && at + 2 <= len);
		at += 2u + packet[at + 1];
	}
	must(at < len);
	while (++at < len)
		must(packet[at] == 0);
}

static void try_offer(const struct dhcp_offer *offer, const uint8_t *pkt, size_t len)
{
	uint8_t *packet = malloc(DHCP_PACKET_MAX);
	struct dhcp_answer answer, again;
	struct ip_info ip;
	int r;

	must(packet != NULL);
	r = dhcp_answer(offer, pkt, len, packet, &answer);
	must(r == 0 || r == -ENOMSG);
	if (r == 0) {
		must(answer.len <= offer->max && ip_parse(packet, answer.len, &ip) == 0);
		must(ip.total_len == answer.len && ip.dst_be == offer->client_be);
		check_options(packet, answer.len);
		must(dhcp_answer(offer, packet, answer.len, packet, &again) == -ENOMSG);
	}
	free(packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const domains[] = {"corp.example", "example", "a.b", "..", "c", "d"};
	const uint32_t dns_be[] = {inet_addr("8.8.8.8"), inet_addr("8.8.4.4")};
	struct prefix routes[ROUTES_MAX];
	struct dhcp_offer offer = {
		.server_be = inet_addr("10.0.0.1"),
		.client_be = inet_addr("10.0.0.5"),
		.dns_be = dns_be,
		.domains = domains,
		.routes = routes,
	};
	uint8_t *copy;

	if (size < 2)
		return 0;
	offer.n_routes = data[0];
	offer.n_dns = data[1] % 3;
	offer.n_domains = data[1] % 7;
	offer.max = data[1] & 0x80 ? 576 : 1400;
	for (size_t i = 0; i < offer.n_routes; i++)
		routes[i] = (struct prefix){AF_INET, (uint8_t)(i % 33), {0}};
	/* in memory of its own size, so that a read past the packet is seen */
	size -= 2;
	copy = malloc(size ? size : 1);
	must(copy != NULL);
	memcpy(copy, data + 2, size);
	try_offer(&offer, copy, size);
	free(copy);
	return 0;
}
