/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/drop.h"

#include <inttypes.h>
#include <stdio.h>

const char *drop_reason_name(enum drop_reason reason)
{
	static const char *const names[DROP_REASONS] = {
		[DROP_NOT_OPEN] = "not_open",	    [DROP_MALFORMED] = "malformed",
		[DROP_PROTOCOL] = "protocol",	    [DROP_SOURCE] = "source",
		[DROP_DESTINATION] = "destination", [DROP_NO_ROUTE] = "no_route",
		[DROP_NOT_IN_PLAN] = "not_in_plan", [DROP_PEERING] = "peering",
		[DROP_GATEWAY] = "gateway",	    [DROP_CLIENT_TO_CLIENT] = "client_to_client",
		[DROP_NO_SESSION] = "no_session",   [DROP_HANDOVER] = "handover",
		[DROP_TOO_BIG] = "too_big",	    [DROP_QUEUE_FULL] = "queue_full",
		[DROP_QUEUE_DELAY] = "queue_delay", [DROP_NO_BUFFER] = "no_buffer",
		[DROP_DEVICE] = "device",
	};

	return names[reason];
}

const char *traffic_format(const struct traffic *t, char *buf, unsigned size)
{
	unsigned used;
	const char *lead = ", dropped:";

	used = (unsigned)snprintf(buf, size,
				  "rx %" PRIu64 " packets %" PRIu64 " bytes, tx %" PRIu64
				  " packets %" PRIu64 " bytes",
				  t->rx_packets, t->rx_bytes, t->tx_packets, t->tx_bytes);
	if (t->tx_marked && used < size)
		used += (unsigned)snprintf(buf + used, size - used, ", marked %" PRIu64,
					   t->tx_marked);
	for (unsigned i = 0; i < DROP_REASONS && used < size; i++) {
		if (!t->drops[i])
			continue;
		used += (unsigned)snprintf(buf + used, size - used, "%s %s %" PRIu64, lead,
					   drop_reason_name(i), t->drops[i]);
		lead = "";
	}
	if ((t->answered || t->unanswered) && used < size)
		snprintf(buf + used, size - used, ", told why %" PRIu64 " not told %" PRIu64,
			 t->answered, t->unanswered);
	return buf;
}

void traffic_add(struct traffic *sum, const struct traffic *t)
{
	sum->rx_packets += t->rx_packets;
	sum->rx_bytes += t->rx_bytes;
	sum->tx_packets += t->tx_packets;
	sum->tx_bytes += t->tx_bytes;
	sum->tx_marked += t->tx_marked;
	sum->answered += t->answered;
	sum->unanswered += t->unanswered;
	for (unsigned i = 0; i < DROP_REASONS; i++)
		sum->drops[i] += t->drops[i];
}
