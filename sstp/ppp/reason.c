/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/ppp/reason.h"

#include <stdio.h>

#include "sstp/base/log.h"

enum {
	PEER_TEXT_MAX = 120, /* escaped */
};

void reason_set(struct reason *r, const char *sentence, const void *peer_text, size_t len)
{
	char escaped[PEER_TEXT_MAX];

	if (r->text[0])
		return;
	if (len)
		snprintf(r->text, sizeof(r->text), "%s: \"%s\"", sentence,
			 log_escape(escaped, sizeof(escaped), peer_text, len));
	else
		snprintf(r->text, sizeof(r->text), "%s", sentence);
}
