/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_GATEWAY_CERT_WATCH_H
#define SSTP_GATEWAY_CERT_WATCH_H
/*
 * Notices that files have other contents than before: written in place, renamed over (as ACME clients do), or reached by
 * a symbolic link that leads elsewhere now (the live folders of certbot and Kubernetes), also where the link is a folder
 * on the way, and where the file was not there before.
 */
#include <stddef.h>
#include <stdint.h>

#include "sstp/net/loop.h"

struct cert_watch;

struct cert_watch_params {
	const char *const *files; /* paths; copied */
	size_t n_files;
	uint64_t gather_ns; /* from the first sign of a change until the files are looked at */
	uint64_t poll_ns; /* how often they are looked at where the kernel cannot tell of changes */
	/* From the loop; must not free the watch. Called once for all that has changed between two looks. */
	void (*on_change)(void *arg);
	void *arg;
};

/*
 * Watches from now on: a change after this function has read the files is told. Returns owned; NULL with errno ENOMEM.
 * That the kernel does not tell (no inotify instance or watch is left) is logged, and the files are looked at every
 * poll_ns.
 */
struct cert_watch *cert_watch_new(struct loop *loop, const struct cert_watch_params *params);

/* Takes NULL. */
void cert_watch_free(struct cert_watch *w);

#endif
