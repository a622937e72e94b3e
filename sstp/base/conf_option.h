/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_BASE_CONF_OPTION_H
#define SSTP_BASE_CONF_OPTION_H
/* Values from a command line, as strict as those from a file, and complaints about options. */
#include <stddef.h>
#include <stdint.h>

#include "sstp/base/conf.h"

/* A whole number of min..max: 0, or -EINVAL with "OPTION must be ..." in ret_error. */
int conf_number_parse(const char *option, const char *text, uint32_t min, uint32_t max,
		      uint32_t *ret_value, struct conf_error *ret_error);

/* One of n words: 0, or -EINVAL with "OPTION must be one of: ..." in ret_error. */
int conf_word_parse(const char *option, const char *text, const cyaml_strval_t *words, size_t n,
		    int *ret_value, struct conf_error *ret_error);

/*
 * Words what getopt_long() just objected to; `returned` is what it returned, ':' or '?' (the option
 * string begins with ":" or "+:"). Always returns -EINVAL.
 */
int conf_option_fail(int returned, char **argv, struct conf_error *ret_error);

/*
 * Digits only: what strtoull() takes besides (signs, blanks, 0x, octal) nobody means. False: not a
 * number.
 */
bool conf_is_number(const char *text, uint64_t *ret_value);

#endif
