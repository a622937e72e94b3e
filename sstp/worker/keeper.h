/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_KEEPER_H
#define SSTP_WORKER_KEEPER_H
/*
 * Puts the network description that came in band into the profile, so that the next start begins with
 * it. A profile has a lock that a renewal may hold for seconds; so it is done by a process of its own,
 * `sstp-worker profile update`, one at a time. What comes meanwhile waits, the last of it.
 */
#include <stddef.h>
#include <sys/types.h>

struct keeper;

/* The profile's path; copied. Returns owned; NULL with errno set. */
struct keeper *keeper_new(const char *path);

/* A process goes on without it. Takes NULL. */
void keeper_free(struct keeper *k);

/* The description as it came, which was understood. Copied. Takes NULL. 0 or -errno: it is not kept then. */
int keeper_store(struct keeper *k, const char *text, size_t len);

/* A child has ended; others than its own are none of its business. Takes NULL. */
void keeper_on_child(struct keeper *k, pid_t pid, int wait_status);

#endif
