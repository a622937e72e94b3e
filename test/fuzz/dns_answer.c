/* SPDX-License-Identifier: Apache-2.0 */
/* dns_ask_decode() on any packet: the first two bytes are the number that is expected, the third the type. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sstp/control/dns_ask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_answer answer = {.n = 99};
	uint16_t type;
	int r;

	if (size < 3)
		return 0;
	type = data[2] % 2 ? 28 : 1;
	r = dns_ask_decode(data + 3, size - 3, type, (uint16_t)(data[0] << 8 | data[1]), &answer);
	if (r < 0) {
		check(answer.n == 99);
		return 0;
	}
	check(answer.n <= DNS_ASK_ADDRESSES_MAX);
	check((answer.outcome == DNS_FOUND) == (answer.n > 0) || answer.outcome != DNS_FOUND);
	for (size_t i = 0; i < answer.n; i++)
		check(answer.addresses[i].family == (type == 28 ? AF_INET6 : AF_INET));
	return 0;
}
