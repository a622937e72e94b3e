/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTING_ARRAY_H
#define ROUTING_ARRAY_H
/* An array that grows: for what is collected while a table is compiled. */
#include <stddef.h>

/*
 * Makes room for n items behind the `used` ones; *cap is how many there is room for. Takes array, NULL at
 * first. Returns it, moved or not, for free(); or NULL without memory, array and *cap being as they were.
 */
void *array_reserve(void *array, size_t used, size_t *cap, size_t n, size_t item_bytes);

#endif
