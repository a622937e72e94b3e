/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_RENEW_H
#define SSTP_WORKER_RENEW_H
/* A profile gets a new key and certificate, by the one that it has. */
#include <stdint.h>

#include "certs/error.h"

/*
 * Renews the profile at path, unless another worker has done so since its certificate was the one
 * with the thumbprint held (NULL: whatever is there). Blocks while another one renews or enrols,
 * and as enrol_again(). 0: it is new; with a sentence as profile_load(), enrol_again() and
 * profile_put(): then the file stands as it was. `now` in seconds since 1970, UTC.
 */
int renew_profile(const char *path, const char *held, int64_t now, struct certs_error *ret_error);

#endif
