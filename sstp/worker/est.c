/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/est.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/encoding.h"
#include "sstp/base/secret.h"

enum {
	URL_MAX = 512,
	WORDS_MAX = 384, /* of the gateway's refusal, shown to the user */
	CONNECT_TIMEOUT_S = 15,
};

struct exchange {
	CURL *curl;
	struct curl_slist *headers;
	struct curl_slist *bearer;
	char *body;
	size_t len;
	bool too_long;
	char why[CURL_ERROR_SIZE];
};

/* ---- settings ---- */

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	char *grown;

	n *= size;
	if (n > EST_REPLY_MAX - x->len) {
		x->too_long = true;
		return 0;
	}
	grown = realloc(x->body, x->len + n + 1);
	if (!grown)
		return 0;
	memcpy(grown + x->len, data, n);
	x->body = grown;
	x->len += n;
	grown[x->len] = '\0';
	return n;
}

static bool set_url(struct exchange *x, const char *gateway, const char *path)
{
	char url[URL_MAX];

	snprintf(url, sizeof(url), "https://%s/.well-known/est/%s", gateway, path);
	return curl_easy_setopt(x->curl, CURLOPT_URL, url) == CURLE_OK;
}

/* Without roots nobody is verified: est_chain() and est_cacerts_of_stranger() only. */
static bool set_roots(struct exchange *x, const char *roots_pem)
{
	struct curl_blob roots = {.flags = CURL_BLOB_COPY};

	curl_easy_setopt(x->curl, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(x->curl, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(x->curl, CURLOPT_SSL_VERIFYPEER, roots_pem ? 1L : 0L);
	curl_easy_setopt(x->curl, CURLOPT_SSL_VERIFYHOST, roots_pem ? 2L : 0L);
	if (!roots_pem)
		return true;
	roots.data = (void *)roots_pem;
	roots.len = strlen(roots_pem);
	return curl_easy_setopt(x->curl, CURLOPT_CAINFO_BLOB, &roots) == CURLE_OK;
}

/* RFC 7030 asks for the certificate in the handshake; a gateway that asks after it is answered too. */
static bool set_identity(struct exchange *x, const struct est_peer *peer)
{
	struct curl_blob cert = {.flags = CURL_BLOB_NOCOPY}, key = {.flags = CURL_BLOB_NOCOPY};

	curl_easy_setopt(x->curl, CURLOPT_SSLVERSION,
			 peer->cert_pem ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2);
	if (!peer->cert_pem)
		return true;
	cert.data = (void *)peer->cert_pem;
	cert.len = strlen(peer->cert_pem);
	key.data = (void *)peer->key_pem;
	key.len = strlen(peer->key_pem);
	return curl_easy_setopt(x->curl, CURLOPT_SSLCERT_BLOB, &cert) == CURLE_OK &&
	       curl_easy_setopt(x->curl, CURLOPT_SSLKEY_BLOB, &key) == CURLE_OK;
}

static bool add_header(struct exchange *x, const char *text)
{
	struct curl_slist *longer = curl_slist_append(x->headers, text);

	if (longer)
		x->headers = longer;
	return longer != NULL;
}

static bool add_bearer(struct exchange *x, const char *secret)
{
	char text[160];
	struct curl_slist *longer;

	snprintf(text, sizeof(text), "Authorization: Bearer %s", secret);
	longer = curl_slist_append(x->headers, text);
	secret_wipe_bytes(text, sizeof(text));
	if (!longer)
		return false;
	x->headers = longer;
	for (x->bearer = longer; x->bearer->next;)
		x->bearer = x->bearer->next;
	return true;
}

static bool set_request(struct exchange *x, const struct est_request *q)
{
	char accept[160];
	bool ok = true;

	snprintf(accept, sizeof(accept), "Accept: %s", q->accept ? q->accept : "*/*");
	ok = add_header(x, accept) && (!q->bearer || add_bearer(x, q->bearer));
	if (ok && q->body) {
		curl_easy_setopt(x->curl, CURLOPT_POSTFIELDSIZE, (long)strlen(q->body));
		curl_easy_setopt(x->curl, CURLOPT_POSTFIELDS, q->body);
		ok = add_header(x, "Content-Type: application/pkcs10") &&
		     add_header(x, "Content-Transfer-Encoding: base64") && add_header(x, "Expect:");
	}
	curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, x->headers);
	return ok;
}

static bool begin(struct exchange *x, const char *gateway, const char *path, const char *roots_pem)
{
	x->curl = curl_easy_init();
	if (!x->curl)
		return false;
	curl_easy_setopt(x->curl, CURLOPT_ERRORBUFFER, x->why);
	curl_easy_setopt(x->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(x->curl, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(x->curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(x->curl, CURLOPT_PROXY, "");
	curl_easy_setopt(x->curl, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(x->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
	curl_easy_setopt(x->curl, CURLOPT_TIMEOUT, (long)EST_TIMEOUT_S);
	curl_easy_setopt(x->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(x->curl, CURLOPT_WRITEDATA, x);
	return set_url(x, gateway, path) && set_roots(x, roots_pem);
}

static void end(struct exchange *x)
{
	if (x->bearer)
		secret_wipe_bytes(x->bearer->data, strlen(x->bearer->data));
	curl_easy_cleanup(x->curl);
	curl_slist_free_all(x->headers);
	free(x->body);
}

/* ---- what came of it ---- */

static int fail_certificate(const struct exchange *x, const char *gateway, struct certs_error *e)
{
	return certs_fail(
		e, -EKEYREJECTED,
		"the certificate of %s is not to be trusted: %s. Is this the right gateway, "
		"and is this machine's clock right?",
		gateway, x->why[0] ? x->why : "no reason is given");
}

static int fail_transport(const struct exchange *x, CURLcode code, const char *gateway,
			  struct certs_error *e)
{
	const char *why = x->why[0] ? x->why : curl_easy_strerror(code);

	switch (code) {
	case CURLE_OUT_OF_MEMORY: return certs_fail(e, -ENOMEM, "out of memory");
	case CURLE_PEER_FAILED_VERIFICATION: return fail_certificate(x, gateway, e);
	case CURLE_WRITE_ERROR:
		return certs_fail(e, x->too_long ? -EPROTO : -ENOMEM,
				  x->too_long
					  ? "%s answers with more than 1 MB: it is no EST server"
					  : "out of memory for the answer of %s",
				  gateway);
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
		return certs_fail(
			e, -EHOSTUNREACH,
			"cannot connect to %s: %s. Is the gateway up, and does a firewall "
			"let this machine reach its port?",
			gateway, why);
	case CURLE_SSL_CERTPROBLEM:
		return certs_fail(e, -EINVAL, "our certificate and its key cannot be used: %s",
				  why);
	default: return certs_fail(e, -EHOSTUNREACH, "no answer from %s: %s", gateway, why);
	}
}

/* The gateway's first line, when it speaks plain text. */
static void take_words(const struct exchange *x, char ret_words[WORDS_MAX])
{
	size_t len = x->body ? strcspn(x->body, "\r\n<") : 0;

	snprintf(ret_words, WORDS_MAX, "%s%.*s", len ? ": " : "", (int)len, len ? x->body : "");
	for (char *p = ret_words; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
}

static int judge_status(const struct exchange *x, const char *gateway, struct certs_error *e)
{
	char words[WORDS_MAX];
	long status = 0;

	curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
	take_words(x, words);
	switch (status) {
	case 200: return 0;
	case 401:
	case 403: return certs_fail(e, -EACCES, "%s refuses%s", gateway, words);
	case 202:
	case 429:
	case 503:
		return certs_fail(e, -EAGAIN, "%s wants us to come back later%s (HTTP %ld)",
				  gateway, words, status);
	default:
		return certs_fail(e, -EPROTO, "%s does not enrol: HTTP %ld%s", gateway, status,
				  words);
	}
}

static int finish(struct exchange *x, const char *gateway, struct est_reply *ret_reply,
		  struct certs_error *e)
{
	CURLcode code = curl_easy_perform(x->curl);
	const char *type = NULL;
	int r = code == CURLE_OK ? judge_status(x, gateway, e)
				 : fail_transport(x, code, gateway, e);

	if (r < 0)
		return r;
	if (!x->body && !(x->body = strdup("")))
		return certs_fail(e, -ENOMEM, "out of memory");
	curl_easy_getinfo(x->curl, CURLINFO_CONTENT_TYPE, &type);
	*ret_reply = (struct est_reply){.body = x->body, .len = x->len};
	snprintf(ret_reply->type, sizeof(ret_reply->type), "%s", type ? type : "");
	x->body = NULL;
	return 0;
}

int est_call(const struct est_peer *peer, const struct est_request *request,
	     struct est_reply *ret_reply, struct certs_error *ret_error)
{
	struct exchange x = {0};
	int r;

	if (!begin(&x, peer->gateway, request->path, peer->roots_pem) || !set_identity(&x, peer) ||
	    !set_request(&x, request))
		r = certs_fail(ret_error, -ENOMEM, "cannot prepare the request: out of memory");
	else if (!peer->roots_pem)
		r = certs_fail(ret_error, -EINVAL, "no root to verify the gateway by");
	else
		r = finish(&x, peer->gateway, ret_reply, ret_error);
	end(&x);
	return r;
}

void est_reply_done(struct est_reply *reply)
{
	if (!reply)
		return;
	free(reply->body);
	memset(reply, 0, sizeof(*reply));
}

int est_cacerts_of_stranger(const char *gateway, struct est_reply *ret_reply,
			    struct certs_error *ret_error)
{
	struct exchange x = {0};
	int r;

	if (begin(&x, gateway, "cacerts", NULL))
		r = finish(&x, gateway, ret_reply, ret_error);
	else
		r = certs_fail(ret_error, -ENOMEM, "out of memory");
	end(&x);
	return r;
}

/* ---- what it shows ---- */

/* libcurl gives the PEM of each as "Cert:-----BEGIN ..." among other lines. */
static int take_shown(const struct curl_slist *lines, struct stack_st_X509 *chain)
{
	static const char key[] = "Cert:";
	X509 *cert;

	for (; lines; lines = lines->next) {
		const char *pem = lines->data + strlen(key);

		if (strncmp(lines->data, key, strlen(key)) != 0)
			continue;
		if (encoding_from_pem(pem, strlen(pem), &cert, NULL) < 0)
			return -EPROTO;
		if (!sk_X509_push(chain, cert)) {
			X509_free(cert);
			return -ENOMEM;
		}
	}
	return 0;
}

static int look(struct exchange *x, const char *gateway, struct stack_st_X509 *chain,
		struct certs_error *e)
{
	struct curl_certinfo *info = NULL;
	CURLcode code;
	int r = 0;

	curl_easy_setopt(x->curl, CURLOPT_CERTINFO, 1L);
	curl_easy_setopt(x->curl, CURLOPT_CONNECT_ONLY, 1L);
	code = curl_easy_perform(x->curl);
	if (code != CURLE_OK)
		return fail_transport(x, code, gateway, e);
	curl_easy_getinfo(x->curl, CURLINFO_CERTINFO, &info);
	for (int i = 0; info && i < info->num_of_certs && i < ENCODING_CHAIN_MAX && r == 0; i++)
		r = take_shown(info->certinfo[i], chain);
	if (r == 0 && sk_X509_num(chain) == 0)
		r = -EPROTO;
	return r ? certs_fail(e, r, "%s shows a certificate that cannot be read", gateway) : 0;
}

int est_chain(const char *gateway, struct stack_st_X509 **ret_chain, struct certs_error *ret_error)
{
	struct exchange x = {0};
	struct stack_st_X509 *chain = sk_X509_new_null();
	int r;

	if (chain && begin(&x, gateway, "cacerts", NULL))
		r = look(&x, gateway, chain, ret_error);
	else
		r = certs_fail(ret_error, -ENOMEM, "out of memory");
	end(&x);
	if (r < 0)
		sk_X509_pop_free(chain, X509_free);
	else
		*ret_chain = chain;
	return r;
}
