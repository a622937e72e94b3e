/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_SUPPORT_HEX_H
#define TEST_SUPPORT_HEX_H
/* Vectors as the specifications print them. */
#include <stddef.h>
#include <stdint.h>

/* Decodes hex digits (blanks are skipped) into ret_bytes; returns the number of bytes. Ends the test on anything else. */
size_t hex_decode(const char *hex, uint8_t *ret_bytes, size_t cap);

#endif
