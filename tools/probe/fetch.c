/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/probe/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	CONNECT_MS = 2000,
	WAIT_MS = 4000,
	REDIRECTS_MAX = 3,
};

static size_t on_bytes(char *data, size_t size, size_t n, void *arg)
{
	struct fetched *f = arg;
	size_t len = size * n;
	uint8_t *bytes;

	if (len > FETCH_MAX - f->len)
		return 0;
	bytes = realloc(f->bytes, f->len + len + 1);
	if (!bytes)
		return 0;
	memcpy(bytes + f->len, data, len);
	f->bytes = bytes;
	f->len += len;
	return len;
}

static CURLcode perform(CURL *curl, const char *url, struct fetched *f)
{
	char words[CURL_ERROR_SIZE] = "";
	CURLcode r;

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)WAIT_MS);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, f);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words);
	r = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &f->status);
	snprintf(f->text, sizeof(f->text), "%s", *words ? words : curl_easy_strerror(r));
	return r;
}

int fetch_get(const char *url, struct fetched *ret_fetched)
{
	CURL *curl;
	CURLcode r;

	memset(ret_fetched, 0, sizeof(*ret_fetched));
	if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0) {
		snprintf(ret_fetched->text, sizeof(ret_fetched->text), "no address of HTTP");
		return -ENOTSUP;
	}
	curl = curl_easy_init();
	if (!curl)
		return -EIO;
	r = perform(curl, url, ret_fetched);
	curl_easy_cleanup(curl);
	return r == CURLE_OK ? 0 : -EIO;
}

void fetch_done(struct fetched *f)
{
	free(f->bytes);
	f->bytes = NULL;
}
