/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is a message between the parent and a child, from either side, behind a byte that says how many
 * descriptors came with it. What is accepted is encoded again to the same bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "sstp/control/parent_msg.h"
#include "sstp/gateway/pem_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void try_message(const uint8_t *packet, size_t len, unsigned nfds, bool from_parent)
{
	uint8_t again[PARENT_MSG_MAX];
	struct parent_msg m;

	if (parent_msg_decode(packet, len, nfds, from_parent, &m) < 0)
		return;
	must(parent_msg_fds(&m) == nfds);
	must(parent_msg_encode(&m, again) == (int)len);
	must(memcmp(again, packet, len) == 0);
}

/* What a CONFIG's second descriptor leads to. */
static void try_files(const uint8_t *bytes, size_t len)
{
	struct pem_files files;
	uint8_t *again;
	size_t again_len;

	if (pem_files_decode(bytes, len, &files) < 0)
		return;
	must(pem_files_encode(&files, &again, &again_len) == 0);
	must(again_len == len && memcmp(again, bytes, len) == 0);
	pem_files_wipe(again, again_len);
	pem_files_done(&files);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	try_message(data + 1, size - 1, data[0], true);
	try_message(data + 1, size - 1, data[0], false);
	try_files(data, size);
	return 0;
}
