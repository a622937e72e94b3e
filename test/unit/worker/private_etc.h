/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_WORKER_PRIVATE_ETC_H
#define TEST_UNIT_WORKER_PRIVATE_ETC_H
/* An /etc and a /run for this process and its children only: empty, in memory, gone with the process. */

/* CMocka group set-up. */
int private_etc(void **state);

/* Writes a file, new or over what it held. */
void write_text(const char *path, const char *text);

/* What a file holds, "" when it is not there; borrowed until the next call. */
const char *read_text(const char *path);

#endif
