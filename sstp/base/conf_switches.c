/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/conf_switches.h"

#include <string.h>

#include "sstp/base/log.h"

enum {
	SHOWN_MAX = 64, /* of a wrong name */
};

/* in the order of the bits */
static const char *const keys[CONF_OFFLOADS] = {"tcp_read", "udp_read", "tcp_merge", "udp_merge",
						"io_uring"};
static const char *const options[CONF_OFFLOADS] = {"tcp-read", "udp-read", "tcp-merge", "udp-merge",
						   "io-uring"};

#define SWITCH(_key, _i) \
	CONF_FIELD_BOOL(_key, CYAML_FLAG_OPTIONAL, struct conf_offload_raw, wanted[_i])

const cyaml_schema_field_t conf_offload_fields[] = {
	SWITCH("tcp_read", 0),	SWITCH("udp_read", 1), SWITCH("tcp_merge", 2),
	SWITCH("udp_merge", 3), SWITCH("io_uring", 4), CYAML_FIELD_END,
};

const cyaml_strval_t conf_congestions[3] = {
	{"auto", CONF_CONGESTION_AUTO},
	{"cubic", CONF_CONGESTION_CUBIC},
	{"bbr", CONF_CONGESTION_BBR},
};

enum conf_congestion conf_congestion_resolve(const int32_t *raw)
{
	return raw ? (enum conf_congestion) * raw : CONF_CONGESTION_AUTO;
}

unsigned conf_offload_resolve(const struct conf_offload_raw *over,
			      const struct conf_offload_raw *under)
{
	unsigned offload = 0;

	for (unsigned i = 0; i < CONF_OFFLOADS; i++) {
		const bool *wanted = over->wanted[i] ? over->wanted[i] : under->wanted[i];

		if (!wanted || *wanted)
			offload |= 1u << i;
	}
	return offload;
}

static bool is_named(const char *name, size_t len, const char *option)
{
	return len == strlen(option) && !memcmp(name, option, len);
}

/* False: there is no switch of that name. */
static bool take_off(const char *name, size_t len, bool *off, struct conf_offload_raw *raw)
{
	bool all = is_named(name, len, "all");
	bool found = false;

	for (unsigned i = 0; i < CONF_OFFLOADS; i++)
		if (all || is_named(name, len, options[i])) {
			raw->wanted[i] = off;
			found = true;
		}
	return found;
}

int conf_offload_take_off(const char *option, const char *text, bool *off,
			  struct conf_offload_raw *raw, struct conf_error *ret_error)
{
	struct conf_offload_raw taken = *raw;
	char buf[SHOWN_MAX];

	for (const char *name = text;; name++) {
		size_t len = strcspn(name, ",");

		if (!take_off(name, len, off, &taken))
			return conf_fail_plain(
				ret_error,
				"%s must be 'all', or of tcp-read, udp-read, "
				"tcp-merge, udp-merge, io-uring, with commas between; not '%s'",
				option, log_escape(buf, sizeof(buf), name, len));
		name += len;
		if (!*name)
			break;
	}
	*raw = taken;
	return 0;
}

const char *conf_offload_difference(unsigned a, unsigned b)
{
	for (unsigned i = 0; i < CONF_OFFLOADS; i++)
		if ((a ^ b) & 1u << i)
			return keys[i];
	return NULL;
}

void conf_congestion_print(FILE *f, enum conf_congestion congestion)
{
	fprintf(f, "congestion: %s\n", conf_congestions[congestion].str);
}

void conf_offload_print(FILE *f, unsigned offload)
{
	fputs("offload:\n", f);
	for (unsigned i = 0; i < CONF_OFFLOADS; i++)
		fprintf(f, "  %s: %s\n", keys[i], offload & 1u << i ? "true" : "false");
}
