/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_SSTPCTL_DURATION_H
#define TOOLS_SSTPCTL_DURATION_H
#include <stdbool.h>
#include <stdint.h>

/*
 * "90s", "15m", "1h", "7d": a whole number and a unit. True with the seconds; false for anything
 * else, also for 0 and for more than ten years.
 */
bool duration_parse(const char *text, int64_t *ret_s);

#endif
