/* SPDX-License-Identifier: Apache-2.0 */
#include "tun/offload_text.h"

#include <stdio.h>

#include "tun/tun.h"

static const struct {
	unsigned bit;
	const char *word;
} words[] = {
	{TUN_OFFLOAD_TSO_READ, "tcp_read"},   {TUN_OFFLOAD_USO_READ, "udp_read"},
	{TUN_OFFLOAD_TCP_MERGE, "tcp_merge"}, {TUN_OFFLOAD_UDP_MERGE, "udp_merge"},
	{TUN_OFFLOAD_IO_URING, "io_uring"},
};

const char *offload_text(unsigned offload, char buf[OFFLOAD_TEXT_MAX])
{
	size_t len = 0;

	snprintf(buf, OFFLOAD_TEXT_MAX, "none");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (offload & words[i].bit)
			len += (size_t)snprintf(buf + len, OFFLOAD_TEXT_MAX - len, "%s%s",
						len ? " " : "", words[i].word);
	return buf;
}
