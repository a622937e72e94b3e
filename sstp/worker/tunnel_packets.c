/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "sstp/worker/tunnel_internal.h"
#include "tun/ip.h"

void tunnel_on_packet(void *arg, uint8_t *pkt, size_t len)
{
	struct leg *leg = arg;
	struct tunnel *t = leg->tunnel;
	struct traffic *traffic = session_traffic(leg->session);
	struct ip_info ip;
	enum drop_reason why = DROP_REASONS;

	if (ip_parse(pkt, len, &ip) < 0)
		why = DROP_MALFORMED;
	else if (ip.dst_be != leg->address_be)
		why = DROP_DESTINATION;
	if (why != DROP_REASONS) {
		traffic->drops[why]++;
		return;
	}
	ip_clamp_mss(pkt, &ip, t->params.mtu);
	if (!t->port) {
		traffic->drops[DROP_DEVICE]++;
		return;
	}
	port_write(t->port, pkt, ip.total_len);
	traffic->rx_packets++;
	traffic->rx_bytes += ip.total_len;
}

void tunnel_on_burst_end(void *arg)
{
	struct leg *leg = arg;

	session_traffic(leg->session)->drops[DROP_DEVICE] += port_flush(leg->tunnel->port);
}

/* From the app. While the tunnel is down nothing is kept for later. */
void tunnel_on_device_packet(void *arg, const struct virtio_net_hdr *h, uint8_t *pkt, size_t len)
{
	const struct tunnel *t = arg;
	const struct leg *leg = t->current;
	struct traffic *traffic;
	struct ip_info ip;
	int r;

	if (!leg->session || !leg->address_be)
		return;
	traffic = session_traffic(leg->session);
	r = ip_parse(pkt, len, &ip);
	if (r < 0)
		traffic->drops[r == -EAFNOSUPPORT ? DROP_PROTOCOL : DROP_MALFORMED]++;
	else if (ip.src_be != leg->address_be)
		traffic->drops[DROP_SOURCE]++;
	else
		session_send(leg->session, h, pkt, len, t->params.mtu);
}
