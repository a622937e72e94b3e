/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_WORKER_PROFILE_FILE_H
#define TEST_UNIT_WORKER_PROFILE_FILE_H
/* A profile with certificates that were made for the test. */
#include "sstp/worker/profile.h"
#include "test/support/testcert.h"

/* For vpn.example.com:444, VNet lab, 10.20.0.0/16, DNS server 10.20.0.4. Owned: profile_done(). */
struct profile profile_file_new(const struct testcert *root, const struct testcert *leaf);

/* Writes it as who enrols or renews does. 0 or -errno with a sentence. */
int profile_file_save(const struct profile *p, const char *path, bool replace,
		      struct certs_error *ret_error);

#endif
