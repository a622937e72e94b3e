/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dhcp_answer MAX SERVERS DOMAINS [PREFIX]...: the answer to a DHCPINFORM of 172.16.77.9 that asks for all there is, an IPv4
 * packet in hex. Lists have commas.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/session/dhcp.h"

enum {
	LIST_MAX = 8,
	ROUTES_MAX = 1024,
	OPTIONS_AT = 20 + 8 + 240,
};

/* In place; returns how many. */
static size_t split(char *text, const char *words[LIST_MAX])
{
	size_t n = 0;

	for (char *word = strtok(text, ","); word && n < LIST_MAX; word = strtok(NULL, ","))
		words[n++] = word;
	return n;
}

static size_t make_request(const struct dhcp_offer *o, uint8_t pkt[512])
{
	static const uint8_t options[] = {53, 1, 8, 55, 6, 1, 6, 15, 119, 121, 249, 255};
	const size_t len = OPTIONS_AT + sizeof(options);

	memset(pkt, 0, 512);
	memcpy(pkt, (uint8_t[]){0x45, 0, (uint8_t)(len / 256), (uint8_t)len, 0, 0, 0, 0, 64, 17},
	       10);
	memcpy(pkt + 12, &o->client_be, 4);
	memset(pkt + 16, 0xff, 4);
	memcpy(pkt + 20,
	       (uint8_t[]){0, 68, 0, 67, (uint8_t)((len - 20) / 256), (uint8_t)(len - 20)}, 6);
	memcpy(pkt + 28, (uint8_t[]){1, 1, 6, 0, 1, 2, 3, 4}, 8);
	memcpy(pkt + 40, &o->client_be, 4);
	memcpy(pkt + 264, "\x63\x82\x53\x63", 4);
	memcpy(pkt + OPTIONS_AT, options, sizeof(options));
	return len;
}

int main(int argc, char **argv)
{
	static struct prefix routes[ROUTES_MAX];
	static uint8_t packet[DHCP_PACKET_MAX];
	const char *servers[LIST_MAX], *domains[LIST_MAX];
	uint32_t dns_be[LIST_MAX];
	uint8_t request[512];
	struct dhcp_offer offer = {
		.server_be = inet_addr("172.16.77.1"),
		.client_be = inet_addr("172.16.77.9"),
		.dns_be = dns_be,
		.domains = domains,
		.routes = routes,
	};
	struct dhcp_answer answer;

	if (argc < 4)
		return 2;
	offer.max = strtoul(argv[1], NULL, 10);
	offer.n_dns = split(argv[2], servers);
	offer.n_domains = split(argv[3], domains);
	for (size_t i = 0; i < offer.n_dns; i++)
		dns_be[i] = inet_addr(servers[i]);
	for (int i = 4; i < argc && offer.n_routes < ROUTES_MAX; i++)
		if (prefix_parse(argv[i], &routes[offer.n_routes++]) < 0)
			return 2;
	if (dhcp_answer(&offer, request, make_request(&offer, request), packet, &answer) < 0)
		return 1;
	for (size_t i = 0; i < answer.len; i++)
		printf("%02x", packet[i]);
	putchar('\n');
	return 0;
}
