/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_CERTS_SCENE_H
#define TEST_UNIT_CERTS_SCENE_H
/* An authority in a folder of the test's own, at MINT_NOW. Every failure in here fails the test. */
#include <openssl/evp.h>
#include <stdint.h>

#include "certs/authority.h"
#include "test/unit/certs/mint.h"

/* For cmocka: a new, missing folder for each test; the last one removes them all. */
int scene_set_up(void **state);
int scene_tear_down(void **state);
const char *scene_folder(void);
/* The path of a file in it, good until the next call. */
const char *scene_path(const char *name);
/* How many files whose name begins so. */
int scene_count(const char *prefix);

struct authority *scene_open(int64_t now);
/* Closes and opens it: what is on the disk. */
struct authority *scene_again(struct authority *a, int64_t now);

/* A token for app in vnet that lives an hour; only its secret is given back. */
void scene_token(struct authority *a, const char *app, const char *vnet, int64_t now,
		 uint8_t ret_secret[TOKEN_SECRET_SIZE]);
/* A certificate for a new key. */
void scene_issue(struct authority *a, const char *app, const char *vnet, int64_t now,
		 char ret_thumbprint[CERT_THUMBPRINT_MAX]);
void scene_renew(struct authority *a, const char *thumbprint, int64_t now,
		 char ret_thumbprint[CERT_THUMBPRINT_MAX]);

/* So many changes, which touch neither certificates nor tokens. */
void scene_change(struct authority *a, int64_t now, int n);

void scene_assert_status(const struct authority *a, const char *thumbprint, int64_t now,
			 enum cert_status status);

#endif
