/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_SUPPORT_ALLOC_LIMIT_H
#define TEST_SUPPORT_ALLOC_LIMIT_H
/*
 * Allocations that fail when the test says so: link with -Wl,--wrap= for malloc, calloc, realloc
 * and aligned_alloc, whichever the module calls.
 */

/* That many allocations succeed, then one fails, and those behind it succeed; negative: none fails. */
void alloc_limit(int left);

#endif
