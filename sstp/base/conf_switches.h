/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_BASE_CONF_SWITCHES_H
#define SSTP_BASE_CONF_SWITCHES_H
/*
 * The operator's switches of the packet path, the same in every daemon's file and on every command
 * line: `congestion: auto|cubic|bbr` and `offload: {tcp_read, udp_read, tcp_merge, udp_merge, io_uring}`.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sstp/base/conf.h"

/* Of the tunnels' TCP connections. */
enum conf_congestion {
	CONF_CONGESTION_AUTO,
	CONF_CONGESTION_CUBIC,
	CONF_CONGESTION_BBR,
};

/*
 * What of a TUN device's offloads is wanted. The bits are those of enum tun_offload, which this
 * folder does not see: whoever opens a device asserts it.
 */
enum conf_offload {
	CONF_OFFLOAD_TCP_READ = 1 << 0,
	CONF_OFFLOAD_UDP_READ = 1 << 1,
	CONF_OFFLOAD_TCP_MERGE = 1 << 2,
	CONF_OFFLOAD_UDP_MERGE = 1 << 3,
	CONF_OFFLOAD_IO_URING = 1 << 4,
	CONF_OFFLOAD_ALL = (1 << 5) - 1,
};

enum {
	CONF_OFFLOADS = 5
};

/* As given, in the order of the bits: NULL where the key is absent. */
struct conf_offload_raw {
	bool *wanted[CONF_OFFLOADS];
};

extern const cyaml_schema_field_t conf_offload_fields[];
extern const cyaml_strval_t conf_congestions[3];

/* auto where raw is NULL. */
enum conf_congestion conf_congestion_resolve(const int32_t *raw);

/* What `over` does not give stands as in `under`, and is on where neither gives it. */
unsigned conf_offload_resolve(const struct conf_offload_raw *over,
			      const struct conf_offload_raw *under);

/*
 * An option's value: names with commas between them ("tcp-read,udp-merge"), or "all". Points what
 * is named to `off` (borrowed, false) and leaves the rest of raw alone. 0, or -EINVAL with "OPTION
 * must be ..." in ret_error.
 */
int conf_offload_take_off(const char *option, const char *text, bool *off,
			  struct conf_offload_raw *raw, struct conf_error *ret_error);

/* The first key that is not the same in both; NULL: none. */
const char *conf_offload_difference(unsigned a, unsigned b);

/* Print the keys as YAML. */
void conf_congestion_print(FILE *f, enum conf_congestion congestion);
void conf_offload_print(FILE *f, unsigned offload);

#endif
