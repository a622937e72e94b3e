/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/tcp_front.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/log.h"
#include "sstp/net/listen.h"

struct tcp_front {
	struct tcp_front_params params;
	struct stream_scratch *scratch; /* made with the first gate, for the loop's life */
	struct gate *gate;		/* NULL: none */
	struct sockaddr_storage address;
	socklen_t address_len;
};

void tcp_front_settings_done(struct tcp_front_settings *s)
{
	tls_ctx_unref(s->keys.tls);
	bearer_free(s->keys.bearer);
	*s = (struct tcp_front_settings){0};
}

static bool listens_there(const struct tcp_front *f, const struct tcp_front_settings *s)
{
	return f->gate && f->address_len == s->address_len &&
	       memcmp(&f->address, &s->address, s->address_len) == 0;
}

/* Takes settings. The old gate goes when the new one stands. */
static int open_gate(struct tcp_front *f, struct tcp_front_settings *s, struct certs_error *e)
{
	const struct gate_params params = {
		.address = s->address, .address_len = s->address_len, .socket = f->params.socket};
	char address[ADDRESS_TEXT_MAX];
	struct gate *gate;
	int r;

	if (!f->scratch)
		f->scratch = stream_scratch_new(f->params.loop);
	if (!f->scratch) {
		tcp_front_settings_done(s);
		return certs_fail(e, -ENOMEM, "out of memory");
	}
	r = gate_new(f->params.loop, f->scratch, &params, &s->keys, &gate, e);
	if (r < 0)
		return r;
	gate_free(f->gate);
	f->gate = gate;
	f->address = s->address;
	f->address_len = s->address_len;
	log_info("the API is served at %s", address_format(&f->address, address));
	return 0;
}

int tcp_front_reload(struct tcp_front *f, struct certs_error *ret_error)
{
	struct tcp_front_settings settings = {0};
	int r = f->params.load ? f->params.load(f->params.arg, &settings, ret_error) : 0;

	if (r < 0)
		return r;
	if (settings.address_len && !listens_there(f, &settings))
		return open_gate(f, &settings, ret_error);
	if (settings.address_len) {
		gate_set_keys(f->gate, &settings.keys);
	} else {
		gate_free(f->gate);
		f->gate = NULL;
	}
	return 0;
}

int tcp_front_new(const struct tcp_front_params *params, struct tcp_front **ret_front,
		  struct certs_error *ret_error)
{
	struct tcp_front *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return certs_fail(ret_error, -ENOMEM, "out of memory");
	f->params = *params;
	r = tcp_front_reload(f, ret_error);
	if (r == 0)
		*ret_front = f;
	else
		tcp_front_free(f);
	return r;
}

int tcp_front_client(const struct tcp_front *f, const struct sockaddr *address, socklen_t len,
		     const char *authorization, const char **ret_who)
{
	return f && f->gate ? gate_client(f->gate, address, len, authorization, ret_who) : 403;
}

void tcp_front_free(struct tcp_front *f)
{
	if (!f)
		return;
	gate_free(f->gate);
	stream_scratch_free(f->scratch);
	free(f);
}
