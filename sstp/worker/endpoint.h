/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_ENDPOINT_H
#define SSTP_WORKER_ENDPOINT_H
/* HOST[:PORT] in two. */
#include <stdbool.h>
#include <stdint.h>

/*
 * Cuts text, which is changed, into host and port: "name", "name:443", "192.0.2.1:443",
 * "2001:db8::1", "[2001:db8::1]:443". *ret_host points into text, without brackets; *ret_port is
 * untouched without a port. False: neither of these.
 */
bool endpoint_split(char *text, char **ret_host, uint16_t *ret_port);

#endif
