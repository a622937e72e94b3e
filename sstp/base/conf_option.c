/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/conf_option.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/log.h"

enum {
	SHOWN_MAX = 64
};

bool conf_is_number(const char *text, uint64_t *ret_value)
{
	size_t len = strlen(text);

	if (len == 0 || len > 18 || strspn(text, "0123456789") != len)
		return false;
	if (len > 1 && text[0] == '0')
		return false;
	*ret_value = strtoull(text, NULL, 10);
	return true;
}

int conf_number_parse(const char *option, const char *text, uint32_t min, uint32_t max,
		      uint32_t *ret_value, struct conf_error *ret_error)
{
	char buf[SHOWN_MAX];
	uint64_t value;

	if (!conf_is_number(text, &value) || value < min || value > max)
		return conf_fail_plain(ret_error, "%s must be a whole number %u..%u, not '%s'",
				       option, min, max,
				       log_escape(buf, sizeof(buf), text, strlen(text)));
	*ret_value = (uint32_t)value;
	return 0;
}

int conf_word_parse(const char *option, const char *text, const cyaml_strval_t *words, size_t n,
		    int *ret_value, struct conf_error *ret_error)
{
	char list[128] = "";
	char buf[SHOWN_MAX];
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(text, words[i].str)) {
			*ret_value = (int)words[i].val;
			return 0;
		}
		if (len < sizeof(list))
			len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
						i ? ", " : "", words[i].str);
	}
	return conf_fail_plain(ret_error, "%s must be one of: %s; not '%s'", option, list,
			       log_escape(buf, sizeof(buf), text, strlen(text)));
}

int conf_option_fail(int returned, char **argv, struct conf_error *ret_error)
{
	/* among short options in one word, optind still points at that word */
	char letter[3] = {'-', (char)optopt, '\0'};
	const char *given = !strncmp(argv[optind - 1], "--", 2) ? argv[optind - 1] : letter;
	char buf[SHOWN_MAX];

	log_escape(buf, sizeof(buf), given, strlen(given));
	if (returned == ':')
		return conf_fail_plain(ret_error, "option %s needs a value; see --help", buf);
	return conf_fail_plain(ret_error, "there is no option %s; see --help", buf);
}
