/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/certs/scene.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"

static char base[] = "/tmp/certs-scene-XXXXXX";
static char folder[64];

int scene_set_up(void **state)
{
	static int n;

	if (n == 0)
		assert_non_null(mkdtemp(base));
	snprintf(folder, sizeof(folder), "%s/%d", base, n++);
	return 0;
}

int scene_tear_down(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", base);
	return system(command);
}

const char *scene_folder(void)
{
	return folder;
}

const char *scene_path(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

int scene_count(const char *prefix)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	int n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		n += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	closedir(dir);
	return n;
}

struct authority *scene_open(int64_t now)
{
	struct authority *a = NULL;
	struct certs_error error;

	if (authority_open(folder, now, &a, &error) != 0)
		fail_msg("%s", error.text);
	return a;
}

struct authority *scene_again(struct authority *a, int64_t now)
{
	authority_close(a);
	return scene_open(now);
}

void scene_token(struct authority *a, const char *app, const char *vnet, int64_t now,
		 uint8_t ret_secret[TOKEN_SECRET_SIZE])
{
	struct authority_token_request request = {
		.app = app, .vnet = vnet, .gateway = "gateway.example", .lifetime_s = 3600};
	char text[TOKEN_TEXT_MAX];
	struct certs_error error;
	struct token token;

	if (authority_token_add(a, &request, now, text, &error) != 0)
		fail_msg("%s", error.text);
	assert_int_equal(token_decode(text, strlen(text), &token, NULL), 0);
	memcpy(ret_secret, token.secret, TOKEN_SECRET_SIZE);
}

static void take(X509 *cert, EVP_PKEY *key, char ret_thumbprint[CERT_THUMBPRINT_MAX])
{
	assert_int_equal(X509_check_private_key(cert, key), 1);
	assert_int_equal(cert_thumbprint(cert, ret_thumbprint), 0);
	X509_free(cert);
	EVP_PKEY_free(key);
}

void scene_issue(struct authority *a, const char *app, const char *vnet, int64_t now,
		 char ret_thumbprint[CERT_THUMBPRINT_MAX])
{
	EVP_PKEY *key = mint_key(MINT_P256);
	struct certs_error error;
	X509 *cert = NULL;

	if (authority_issue(a, app, vnet, key, now, &cert, &error) != 0)
		fail_msg("%s", error.text);
	take(cert, key, ret_thumbprint);
}

void scene_renew(struct authority *a, const char *thumbprint, int64_t now,
		 char ret_thumbprint[CERT_THUMBPRINT_MAX])
{
	EVP_PKEY *key = mint_key(MINT_P256);
	struct certs_error error;
	X509 *cert = NULL;

	if (authority_renew(a, thumbprint, key, now, &cert, &error) != 0)
		fail_msg("%s", error.text);
	take(cert, key, ret_thumbprint);
}

void scene_change(struct authority *a, int64_t now, int n)
{
	static unsigned serial;
	char thumbprint[CERT_THUMBPRINT_MAX];

	for (int i = 0; i < n; i++) {
		snprintf(thumbprint, sizeof(thumbprint), "%040X", serial++);
		assert_int_equal(
			authority_revoke(a, thumbprint, AUTHORITY_REVOKE_FOREIGN, now, NULL), 0);
	}
}

void scene_assert_status(const struct authority *a, const char *thumbprint, int64_t now,
			 enum cert_status status)
{
	int index = authority_cert_find(a, thumbprint);
	struct authority_cert_info info;

	assert_true(index >= 0);
	authority_cert_at(a, (size_t)index, now, &info);
	assert_string_equal(status_text(info.status), status_text(status));
}
