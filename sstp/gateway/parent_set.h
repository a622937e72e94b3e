/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_GATEWAY_PARENT_SET_H
#define SSTP_GATEWAY_PARENT_SET_H
/*
 * A configuration as the parent has it: what it says, and what the data plane is handed of it, sealed: the text, and what
 * is in the files of its certificates. A data plane that is started again gets the same.
 */
#include "sstp/gateway/config.h"

struct parent_set {
	struct gateway_config *config; /* owned; NULL: none */
	int yaml;		       /* sealed (base/sealed.h); -1: none */
	int files;		       /* sealed pem_files; -1: they were not read yet */
};

/* Of nothing. */
struct parent_set parent_set_none(void);

/* Reads and checks the file, but for its certificates. 0, or as gateway_config_load(). */
int parent_set_load(const char *path, struct parent_set *ret_set, struct conf_error *ret_error);

/* Reads its certificates, as they are now, in the place of what was there. 0 or -errno. */
int parent_set_read_files(struct parent_set *s);

/* Closes and frees all; s is none. */
void parent_set_done(struct parent_set *s);

#endif
