/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tcpping/sentence.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	NS_PER_MS = 1000000,
	NS_PER_S = 1000000000,
};

/* RFC 792, 1122 and 1812; RFC 4443 */
static const struct {
	bool is_ipv6;
	uint8_t type, code;
	const char *name;
} icmp_names[] = {
	{false, 3, 0, "network unreachable"},
	{false, 3, 1, "host unreachable"},
	{false, 3, 2, "protocol unreachable"},
	{false, 3, 3, "port unreachable"},
	{false, 3, 4, "packet too big"},
	{false, 3, 6, "network unknown"},
	{false, 3, 7, "host unknown"},
	{false, 3, 9, "network administratively prohibited"},
	{false, 3, 10, "host administratively prohibited"},
	{false, 3, 13, "administratively prohibited"},
	{false, 11, 0, "time to live exceeded"},
	{true, 1, 0, "no route"},
	{true, 1, 1, "administratively prohibited"},
	{true, 1, 3, "address unreachable"},
	{true, 1, 4, "port unreachable"},
	{true, 1, 5, "source address refused"},
	{true, 1, 6, "route rejected"},
	{true, 3, 0, "hop limit exceeded"},
};

const char *sentence_icmp(bool is_ipv6, uint8_t type, uint8_t code, char buf[32])
{
	for (size_t i = 0; i < sizeof(icmp_names) / sizeof(icmp_names[0]); i++)
		if (icmp_names[i].is_ipv6 == is_ipv6 && icmp_names[i].type == type &&
		    icmp_names[i].code == code)
			return icmp_names[i].name;
	snprintf(buf, 32, "type %u, code %u", type, code);
	return buf;
}

const char *sentence_target(const struct sockaddr_storage *address, uint16_t port,
			    char buf[SENTENCE_TARGET_MAX])
{
	char text[LOOKUP_SERVER_MAX];

	lookup_address_text(address, text);
	snprintf(buf, SENTENCE_TARGET_MAX, address->ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u",
		 text, port);
	return buf;
}

const char *sentence_ms(double ms, char buf[32])
{
	char *end;

	snprintf(buf, 32, "%.2f", ms);
	end = buf + strlen(buf);
	while (end[-1] == '0')
		*--end = '\0';
	if (end[-1] == '.')
		end[-1] = '\0';
	return buf;
}

static const char *why_blocked(int error)
{
	switch (error) {
	case EHOSTUNREACH: return "the route is closed, as without a tunnel";
	case EINVAL: return "the route is a blackhole";
	case EACCES: return "the route prohibits it";
	default: return "a packet filter here";
	}
}

/* Who says what: " (ICMP host unreachable from 10.20.0.1)"; in buf. "": nobody. */
static const char *by_icmp(const struct attempt *a, const char *target, char buf[128])
{
	char name[32];

	buf[0] = '\0';
	if (a->has_icmp)
		snprintf(buf, 128, " (ICMP %s from %s)",
			 sentence_icmp(target[0] == '[', a->icmp_type, a->icmp_code, name),
			 a->icmp_from);
	return buf;
}

static void success(const struct attempt *a, const char *target, char buf[SENTENCE_MAX])
{
	if (a->ns < NS_PER_MS)
		snprintf(buf, SENTENCE_MAX, "Connected to %s, time taken: <1ms", target);
	else
		snprintf(buf, SENTENCE_MAX, "Connected to %s, time taken: %lldms", target,
			 (long long)(a->ns / NS_PER_MS));
}

static void unreachable(const struct attempt *a, const char *target, char buf[SENTENCE_MAX])
{
	char icmp[128];

	snprintf(buf, SENTENCE_MAX, "Connection attempt failed: Host unreachable: %s%s", target,
		 a->has_icmp	   ? by_icmp(a, target, icmp)
		 : a->is_from_here ? " (there is no route to it here)"
				   : "");
}

const char *sentence_of(const struct attempt *a, const char *target, int64_t wait_ns,
			char buf[SENTENCE_MAX])
{
	char icmp[128], wait[32];

	switch (a->outcome) {
	case ATTEMPT_SUCCESS: success(a, target, buf); break;
	case ATTEMPT_TIMEOUT:
		snprintf(buf, SENTENCE_MAX, "Connection timed out: no answer from %s within %ss",
			 target, sentence_ms((double)wait_ns / NS_PER_S, wait));
		break;
	case ATTEMPT_REFUSED:
		snprintf(buf, SENTENCE_MAX, "Connection attempt failed: Connection refused by %s%s",
			 target, by_icmp(a, target, icmp));
		break;
	case ATTEMPT_UNREACHABLE: unreachable(a, target, buf); break;
	case ATTEMPT_BLOCKED:
		snprintf(buf, SENTENCE_MAX,
			 "Connection attempt failed: An attempt was made to access a socket in a "
			 "way forbidden by its access permissions: %s (%s)",
			 target, why_blocked(a->error));
		break;
	default:
		snprintf(buf, SENTENCE_MAX, "Connection attempt failed: %s: %s", target,
			 strerror(a->error));
	}
	return buf;
}

const char *sentence_of_lookup(const struct lookup *l, const char *host, char buf[SENTENCE_MAX])
{
	size_t len;

	if (l->server) {
		snprintf(buf, SENTENCE_MAX, "Connection attempt failed: No such host is known: %s",
			 host);
		return buf;
	}
	len = (size_t)snprintf(buf, SENTENCE_MAX,
			       "Connection attempt failed: No name server answers for %s:", host);
	for (size_t i = 0; i < l->n_tries && len < SENTENCE_MAX; i++)
		len += (size_t)snprintf(buf + len, SENTENCE_MAX - len, "%s %s %s", i ? "," : "",
					l->tries[i].server,
					lookup_outcome_text(l->tries[i].outcome));
	return buf;
}

double tally_average_ms(const struct tally *t)
{
	return t->successful ? (double)t->total_ns / t->successful / NS_PER_MS : 0;
}

const char *sentence_of_tally(const struct tally *t, char buf[SENTENCE_MAX])
{
	unsigned percent = t->sent ? t->successful * 100 / t->sent : 0;
	char average[32];

	snprintf(buf, SENTENCE_MAX,
		 "Complete: %u/%u successful attempts (%u%%). Average success time: %sms",
		 t->successful, t->sent, percent, sentence_ms(tally_average_ms(t), average));
	return buf;
}
