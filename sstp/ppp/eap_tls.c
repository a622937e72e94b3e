/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conversation is a TLS connection between two memory buffers. A message of the peer goes into
 * one when its fragments come, and is processed when the last one has come; what TLS has to say by
 * then is our next message, and it stays in the other buffer until its last fragment is on its way.
 * So TLS never runs while a message is half received or half sent, and each message leads to
 * exactly one.
 *
 * Both ends close the TLS connection as soon as it has nothing left to do: the keys are all that
 * stays.
 */
#include "sstp/ppp/eap_tls.h"

#include <assert.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

#include "sstp/base/secret.h"
#include "sstp/ppp/eap_tls_fragment.h"
#include "sstp/ppp/eap_tls_internal.h"

enum {
	KEY_MATERIAL_SIZE = 128, /* MSK and EMSK */
	PPPD_HALF = 16,
	PPPD_SECOND_HALF_AT = 32,
	EAP_TYPE_TLS = 13,
};

/* What the conversation waits for. */
enum state {
	STATE_START,   /* client: the Start; server: eap_tls_begin() */
	STATE_MESSAGE, /* the peer's message, or the next fragment of it */
	STATE_ACK,     /* the acknowledgement of a fragment: there are more */
	STATE_FINAL,   /* server: the acknowledgement of all that TLS had to say */
	STATE_ALERTED, /* server: the answer to our alert */
	STATE_DONE,
	STATE_FAILED,
	N_STATES,
};

enum event {
	EVENT_START,
	EVENT_EMPTY,
	EVENT_DATA,
	N_EVENTS,
};

struct eap_tls {
	struct eap_tls_ctx *ctx;
	size_t fragment_max;
	enum state state;
	enum state after; /* what to wait for when tx is sent */
	unsigned rounds;
	SSL *ssl; /* from the first message on, while there is something to do */
	struct eap_tls_rx rx;
	struct eap_tls_tx tx;
	struct eap_tls_verdict verdict;
	uint8_t msk[EAP_TLS_MSK_SIZE];
	char reason[EAP_TLS_REASON_MAX];
};

struct eap_tls *eap_tls_new(struct eap_tls_ctx *ctx, size_t fragment_max)
{
	struct eap_tls *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->ctx = eap_tls_ctx_ref(ctx);
	t->fragment_max = fragment_max;
	if (t->fragment_max < EAP_TLS_FRAGMENT_MIN)
		t->fragment_max = EAP_TLS_FRAGMENT_MIN;
	if (t->fragment_max > EAP_TLS_FRAGMENT_MAX)
		t->fragment_max = EAP_TLS_FRAGMENT_MAX;
	return t;
}

static void close_tls(struct eap_tls *t)
{
	SSL_free(t->ssl);
	t->ssl = NULL;
	t->tx = (struct eap_tls_tx){0};
}

void eap_tls_free(struct eap_tls *t)
{
	if (!t)
		return;
	close_tls(t);
	eap_tls_ctx_unref(t->ctx);
	secret_wipe_bytes(t, sizeof(*t));
	free(t);
}

void eap_tls_begin(struct eap_tls *t, uint8_t *out, size_t size, size_t *ret_len)
{
	assert(t->ctx->is_server && t->state == STATE_START && size >= EAP_TLS_FRAGMENT_MIN);
	out[0] = EAP_TLS_FLAG_START;
	*ret_len = 1;
	t->state = STATE_MESSAGE;
}

/* The first reason stays. */
static void set_reason(struct eap_tls *t, const char *subject, const char *sentence)
{
	if (!t->reason[0])
		snprintf(t->reason, sizeof(t->reason), "%s%s", subject, sentence);
}

/* RFC 5216 section 2.3, RFC 9190 section 2.3. */
static bool export_keys(struct eap_tls *t)
{
	static const char label_tls12[] = "client EAP encryption";
	static const char label_tls13[] = "EXPORTER_EAP_TLS_Key_Material";
	static const uint8_t context[] = {EAP_TYPE_TLS};
	bool is_tls13 = SSL_version(t->ssl) == TLS1_3_VERSION;
	uint8_t material[KEY_MATERIAL_SIZE];
	bool is_done;

	is_done = SSL_export_keying_material(
			  t->ssl, material, sizeof(material), is_tls13 ? label_tls13 : label_tls12,
			  is_tls13 ? sizeof(label_tls13) - 1 : sizeof(label_tls12) - 1, context,
			  is_tls13 ? sizeof(context) : 0, is_tls13) == 1;
	if (is_done)
		memcpy(t->msk, material, sizeof(t->msk));
	secret_wipe_bytes(material, sizeof(material));
	return is_done;
}

static enum eap_tls_result enter_failed(struct eap_tls *t)
{
	secret_wipe_bytes(t->msk, sizeof(t->msk));
	close_tls(t);
	t->state = STATE_FAILED;
	return EAP_TLS_FAILED;
}

static enum eap_tls_result enter_done(struct eap_tls *t)
{
	if (!export_keys(t)) {
		set_reason(t, "", "no keys came of the TLS connection");
		return enter_failed(t);
	}
	close_tls(t);
	t->state = STATE_DONE;
	return EAP_TLS_DONE;
}

static enum eap_tls_result enter(struct eap_tls *t, enum state state)
{
	if (state == STATE_DONE)
		return enter_done(t);
	if (state == STATE_FAILED)
		return enter_failed(t);
	t->state = state;
	return EAP_TLS_MORE;
}

/* Over at once, nothing to say to the peer. */
static enum eap_tls_result fail(struct eap_tls *t, const char *sentence)
{
	set_reason(t, t->ctx->is_server ? "the client's EAP-TLS: " : "the server's EAP-TLS: ",
		   sentence);
	return enter_failed(t);
}

static enum eap_tls_result send_fragment(struct eap_tls *t, const struct eap_tls_packet *p,
					 struct wire_writer *w)
{
	if (eap_tls_tx_next(&t->tx, t->fragment_max, w))
		return enter(t, STATE_ACK);
	BIO_reset(SSL_get_wbio(t->ssl));
	return enter(t, t->after);
}

static size_t bytes_to_send(const struct eap_tls *t)
{
	return BIO_ctrl_pending(SSL_get_wbio(t->ssl));
}

/* Sends what TLS has to say: a message, or an empty packet where it has nothing to say. */
static enum eap_tls_result send_message(struct eap_tls *t, enum state after, struct wire_writer *w)
{
	char *data = NULL;
	long len = BIO_get_mem_data(SSL_get_wbio(t->ssl), &data);

	t->tx = (struct eap_tls_tx){(const uint8_t *)data, (size_t)len, 0};
	t->after = after;
	return send_fragment(t, NULL, w);
}

/*
 * Why TLS failed: what was found wrong with the peer's certificate, or else the oldest error of
 * OpenSSL's queue. Empties the queue.
 */
static void explain_tls(struct eap_tls *t)
{
	bool is_server = t->ctx->is_server;
	unsigned long code = ERR_get_error();
	int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
	const char *words = ERR_reason_error_string(code);

	ERR_clear_error();
	if (t->verdict.sentence[0])
		set_reason(t, is_server ? "" : "the server: ", t->verdict.sentence);
	else if (reason > SSL_AD_REASON_OFFSET)
		set_reason(t,
			   is_server ? "the client sent TLS alert: "
				     : "the server sent TLS alert: ",
			   SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET));
	else if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
		set_reason(t, "", "the client sent no certificate");
	else
		set_reason(t,
			   is_server ? "TLS with the client failed: "
				     : "TLS with the server failed: ",
			   words ? words : "it was closed");
}

/*
 * TLS failed. Our alert, where there is one, goes out first; a client acknowledges the server's.
 * The server hears the client out before it says EAP-Failure.
 */
static enum eap_tls_result refuse(struct eap_tls *t, struct wire_writer *w)
{
	explain_tls(t);
	if (!t->ctx->is_server)
		return send_message(t, STATE_FAILED, w);
	if (bytes_to_send(t) > 0)
		return send_message(t, STATE_ALERTED, w);
	return enter_failed(t);
}

/* Runs TLS over the message. False when it failed. */
static bool advance(struct eap_tls *t)
{
	int result;

	ERR_clear_error();
	result = SSL_do_handshake(t->ssl);
	return result == 1 || SSL_get_error(t->ssl, result) == SSL_ERROR_WANT_READ;
}

/*
 * Reads all application data: returns how many bytes there were, their first one in ret_first; -1
 * when TLS failed. Tickets and the like are dealt with on the way.
 */
static int read_data(struct eap_tls *t, uint8_t *ret_first)
{
	uint8_t byte;
	int n = 0, result;

	ERR_clear_error();
	while ((result = SSL_read(t->ssl, &byte, 1)) == 1)
		if (n++ == 0)
			*ret_first = byte;
	return SSL_get_error(t->ssl, result) == SSL_ERROR_WANT_READ ? n : -1;
}

/* The server's turn. The byte 0x00 of TLS 1.3 says that the client's certificate was accepted. */
static enum eap_tls_result serve(struct eap_tls *t, bool was_finished, int n_data,
				 struct wire_writer *w)
{
	if (was_finished)
		return fail(t, "data behind the end of the handshake");
	if (n_data)
		return fail(t, "application data");
	if (!SSL_is_init_finished(t->ssl))
		return bytes_to_send(t) ? send_message(t, STATE_MESSAGE, w)
					: fail(t, "a message that is not complete");
	if (SSL_version(t->ssl) == TLS1_3_VERSION && SSL_write(t->ssl, "", 1) != 1)
		return refuse(t, w);
	return send_message(t, STATE_FINAL, w);
}

/* The client's turn. */
static enum eap_tls_result follow(struct eap_tls *t, bool was_finished, int n_data, uint8_t first,
				  struct wire_writer *w)
{
	if (!SSL_is_init_finished(t->ssl))
		return bytes_to_send(t) ? send_message(t, STATE_MESSAGE, w)
					: fail(t, "a message that is not complete");
	if (n_data && (SSL_version(t->ssl) != TLS1_3_VERSION || n_data != 1 || first != 0))
		return fail(t, "application data that is not the single byte 0x00");
	if (n_data && !was_finished)
		return fail(t, "success before it saw our certificate");
	if (n_data || SSL_version(t->ssl) != TLS1_3_VERSION)
		return send_message(t, STATE_DONE, w);
	return send_message(t, STATE_MESSAGE, w);
}

static enum eap_tls_result on_message(struct eap_tls *t, struct wire_writer *w)
{
	bool was_finished = SSL_is_init_finished(t->ssl);
	uint8_t first = 0;
	int n_data = 0;

	if (!was_finished && !advance(t))
		return refuse(t, w);
	if (SSL_is_init_finished(t->ssl))
		n_data = read_data(t, &first);
	if (n_data < 0)
		return refuse(t, w);
	if (SSL_has_pending(t->ssl))
		return fail(t, "a message that does not end with a TLS record");
	return t->ctx->is_server ? serve(t, was_finished, n_data, w)
				 : follow(t, was_finished, n_data, first, w);
}

static bool open_tls(struct eap_tls *t)
{
	if (!t->ssl)
		t->ssl = eap_tls_session_new(t->ctx, &t->verdict);
	return t->ssl;
}

static enum eap_tls_result on_start(struct eap_tls *t, const struct eap_tls_packet *p,
				    struct wire_writer *w)
{
	if (!open_tls(t))
		return fail(t, "out of memory");
	return advance(t) ? send_message(t, STATE_MESSAGE, w) : refuse(t, w);
}

static enum eap_tls_result on_data(struct eap_tls *t, const struct eap_tls_packet *p,
				   struct wire_writer *w)
{
	const char *why = NULL;
	int complete = eap_tls_rx_add(&t->rx, p, &why);

	if (complete < 0)
		return fail(t, why);
	if (!open_tls(t) || BIO_write(SSL_get_rbio(t->ssl), p->data, (int)p->len) != (int)p->len)
		return fail(t, "out of memory");
	if (complete)
		return on_message(t, w);
	wire_put_u8(w, 0);
	return enter(t, STATE_MESSAGE);
}

/* The client has acknowledged all there was to say. */
static enum eap_tls_result on_final(struct eap_tls *t, const struct eap_tls_packet *p,
				    struct wire_writer *w)
{
	return enter_done(t);
}

static enum eap_tls_result unexpected(struct eap_tls *t, const struct eap_tls_packet *p,
				      struct wire_writer *w)
{
	static const char *const sentences[N_STATES] = {
		[STATE_START] = "data before the start",
		[STATE_MESSAGE] = "no message where one is due",
		[STATE_ACK] = "no acknowledgement of a fragment",
		[STATE_FINAL] = "a second start",
		[STATE_DONE] = "a packet behind the end",
	};

	return fail(t, sentences[t->state]);
}

static enum eap_tls_result over(struct eap_tls *t, const struct eap_tls_packet *p,
				struct wire_writer *w)
{
	return enter_failed(t);
}

/* clang-format off */
/* RFC 5216 section 2.1; a server never starts anew in the same conversation. */
static enum eap_tls_result (*const handlers[N_STATES][N_EVENTS])(
	struct eap_tls *t, const struct eap_tls_packet *p, struct wire_writer *w) = {
	/*                  START       EMPTY          DATA */
	[STATE_START]   = { on_start,   unexpected,    unexpected },
	[STATE_MESSAGE] = { unexpected, unexpected,    on_data },
	[STATE_ACK]     = { unexpected, send_fragment, unexpected },
	[STATE_FINAL]   = { unexpected, on_final,      on_data },
	[STATE_ALERTED] = { over,       over,          over },
	[STATE_DONE]    = { unexpected, unexpected,    unexpected },
	[STATE_FAILED]  = { over,       over,          over },
};
/* clang-format on */

/* L with a length of zero is an empty packet too; any other length is a message without bytes. */
static enum event event_of(const struct eap_tls_packet *p)
{
	if (p->start)
		return EVENT_START;
	return p->len || p->length ? EVENT_DATA : EVENT_EMPTY;
}

enum eap_tls_result eap_tls_input(struct eap_tls *t, const void *data, size_t len, uint8_t *out,
				  size_t size, size_t *ret_len)
{
	struct wire_writer w = wire_writer(out, size);
	enum eap_tls_result result;
	struct eap_tls_packet p;

	assert(size >= t->fragment_max);
	assert(!t->ctx->is_server || t->state != STATE_START);
	if (eap_tls_packet_decode(data, len, &p) < 0)
		result = fail(t, "a malformed packet");
	else if (++t->rounds > EAP_TLS_ROUNDS_MAX)
		result = fail(t, "more than 64 round trips");
	else
		result = handlers[t->state][event_of(&p)](t, &p, &w);
	*ret_len = wire_len(&w);
	return result;
}

const uint8_t *eap_tls_msk(const struct eap_tls *t)
{
	return t->state == STATE_DONE ? t->msk : NULL;
}

void eap_tls_hlak_pppd249(const struct eap_tls *t, uint8_t ret_hlak[LINK_HLAK_SIZE])
{
	assert(t->ctx->is_server && t->state == STATE_DONE);
	memcpy(ret_hlak, t->msk, PPPD_HALF);
	memcpy(ret_hlak + PPPD_HALF, t->msk + PPPD_SECOND_HALF_AT, PPPD_HALF);
}

const char *eap_tls_client_name(const struct eap_tls *t)
{
	assert(t->ctx->is_server);
	return t->state == STATE_DONE ? t->verdict.name : NULL;
}

const uint8_t *eap_tls_memo(const struct eap_tls *t)
{
	return t->verdict.memo;
}

const char *eap_tls_thumbprint(const struct eap_tls *t)
{
	return t->verdict.thumbprint;
}

bool eap_tls_has_refused_peer(const struct eap_tls *t)
{
	return t->verdict.sentence[0];
}

const char *eap_tls_reason(const struct eap_tls *t)
{
	return t->reason;
}
