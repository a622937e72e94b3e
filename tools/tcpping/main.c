/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcpping: connects to a TCP port some times and says how that went; see sentence.h for its lines. What is not among
 * those of the original goes to standard error.
 */
#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/line.h"
#include "tools/common/lookup.h"
#include "tools/common/pool.h"
#include "tools/tcpping/attempt.h"
#include "tools/tcpping/sentence.h"
#include "tools/tcpping/target.h"

enum {
	EXIT_USAGE = 2,
	ATTEMPTS = 4,
	ATTEMPTS_MAX = 10000,
	WAIT_S = 21, /* what the original's connect() takes to give up */
	WAIT_MAX_S = 3600,
	NS_PER_MS = 1000000,
	NS_PER_S = 1000000000,
};

static const char usage[] = "Usage: tcpping [OPTION...] HOST[:PORT] [PORT]\n"
			    "\n"
			    "Connects to a TCP port and says how long it took, or why not. The "
			    "port is 80 by default; an IPv6\n"
			    "address with a port stands in brackets.\n"
			    "\n"
			    "  -n COUNT      how often (4)\n"
			    "  -w SECONDS    how long each attempt may take (21)\n"
			    "  -4, -6        by IPv4 only, or IPv6 only\n"
			    "      --crlf    lines end with CR and LF\n"
			    "      --json    print one JSON object at the end\n"
			    "  -V, --version\n"
			    "  -h, --help    print this and end\n"
			    "\n"
			    "The exit status is 0 when every attempt was successful, 1 when one "
			    "was not, 2 when the command line is\n"
			    "wrong. See tcpping(1).\n";

struct run {
	struct target target;
	unsigned count;
	int64_t wait_ns;
	int family;
	bool as_json;
	struct line_writer out; /* unless as_json */
	struct sockaddr_storage address;
	char address_text[SENTENCE_TARGET_MAX];
	struct tally tally;
	json_t *attempts; /* owned */
	bool has_timed_out;
};

static volatile sig_atomic_t is_stopped;

static void on_signal(int signo)
{
	is_stopped = 1;
}

static int complain(const char *why)
{
	fprintf(stderr, "tcpping: %s; see tcpping --help\n", why);
	return EXIT_USAGE;
}

/* ---- the command line ---- */

static bool parse_count(const char *text, unsigned *ret_count)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end || n < 1 || n > ATTEMPTS_MAX || text[0] == '-')
		return false;
	*ret_count = (unsigned)n;
	return true;
}

static bool parse_wait(const char *text, int64_t *ret_ns)
{
	char *end;
	double s = strtod(text, &end);

	if (end == text || *end || !isfinite(s) || s < 0.001 || s > WAIT_MAX_S)
		return false;
	*ret_ns = (int64_t)(s * NS_PER_S);
	return true;
}

enum {
	OPT_CRLF = 256,
	OPT_JSON,
};

static const struct option options[] = {
	{"crlf", no_argument, NULL, OPT_CRLF},
	{"json", no_argument, NULL, OPT_JSON},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

/* NULL, or what is wrong; *ret_done: nothing is left to be done. */
static const char *take(int option, struct run *r, bool *ret_done)
{
	switch (option) {
	case 'n': return parse_count(optarg, &r->count) ? NULL : "COUNT must be from 1 to 10000";
	case 'w':
		return parse_wait(optarg, &r->wait_ns) ? NULL
						       : "SECONDS must be from 0.001 to 3600";
	case '4': r->family = AF_INET; return NULL;
	case '6': r->family = AF_INET6; return NULL;
	case OPT_CRLF: r->out.crlf = true; return NULL;
	case OPT_JSON: r->as_json = true; return NULL;
	case 'V': puts("tcpping " SSTP_VERSION); break;
	case 'h': fputs(usage, stdout); break;
	default: return "an option is wrong";
	}
	*ret_done = true;
	return NULL;
}

/* -1, or the exit status. */
static int parse(int argc, char **argv, struct run *r)
{
	const char *why = NULL;
	bool is_done = false;
	int option;

	opterr = 0;
	while (!why && !is_done &&
	       (option = getopt_long(argc, argv, "n:w:46Vh", options, NULL)) != -1)
		why = take(option, r, &is_done);
	if (is_done)
		return EXIT_SUCCESS;
	if (!why && (argc - optind < 1 || argc - optind > 2))
		why = "it takes one HOST";
	if (!why)
		target_parse(argv[optind], argc - optind == 2 ? argv[optind + 1] : NULL, &r->target,
			     &why);
	return why ? complain(why) : -1;
}

/* ---- what is told ---- */

static void tell(const struct run *r, const char *line)
{
	if (!r->as_json)
		line_print(&r->out, "%s", line);
}

static void note(struct run *r, const struct attempt *a, const char *sentence)
{
	json_t *o = json_pack("{s:s}", "outcome", attempt_outcome_word(a->outcome));
	char name[32];

	if (a->outcome == ATTEMPT_SUCCESS)
		json_object_set_new(o, "timeMs", json_real((double)a->ns / NS_PER_MS));
	else
		json_object_set_new(o, "error", json_string(sentence));
	if (a->has_icmp)
		json_object_set_new(o, "icmp",
				    json_pack("{s:s, s:i, s:i, s:s}", "message",
					      sentence_icmp(r->address.ss_family == AF_INET6,
							    a->icmp_type, a->icmp_code, name),
					      "type", a->icmp_type, "code", a->icmp_code, "from",
					      a->icmp_from));
	json_array_append_new(r->attempts, o);
}

static void set_text(json_t *o, const char *key, const char *text)
{
	json_object_set_new(o, key, text && *text ? json_string(text) : json_null());
}

static void print_json(const struct run *r)
{
	char ranges[POOL_TEXT_MAX], address[LOOKUP_SERVER_MAX];
	int family = r->address.ss_family ? r->address.ss_family : AF_INET;
	json_t *o = json_pack("{s:s, s:i}", "host", r->target.host, "port", r->target.port);

	set_text(o, "address",
		 r->address.ss_family ? lookup_address_text(&r->address, address) : NULL);
	json_object_set(o, "attempts", r->attempts);
	json_object_set_new(o, "sent", json_integer(r->tally.sent));
	json_object_set_new(o, "successful", json_integer(r->tally.successful));
	json_object_set_new(o, "averageMs", json_real(tally_average_ms(&r->tally)));
	set_text(o, "privateAddress", pool_address(family));
	set_text(o, "privatePool", pool_ranges(family, ranges));
	json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(o);
}

static void finish(const struct run *r)
{
	char line[SENTENCE_MAX], advice[POOL_TEXT_MAX];

	if (r->as_json)
		print_json(r);
	tell(r, sentence_of_tally(&r->tally, line));
	if (!r->as_json && r->has_timed_out && pool_advice(r->address.ss_family, advice))
		fprintf(stderr, "%s\n", advice);
}

/* ---- what is done ---- */

static void set_address(struct run *r, const struct sockaddr_storage *address)
{
	r->address = *address;
	if (address->ss_family == AF_INET6)
		((struct sockaddr_in6 *)&r->address)->sin6_port = htons(r->target.port);
	else
		((struct sockaddr_in *)&r->address)->sin_port = htons(r->target.port);
	sentence_target(&r->address, r->target.port, r->address_text);
}

/* Once for all attempts: that nobody answers takes long enough once. */
static bool resolve(struct run *r)
{
	const struct lookup_params params = {.name = r->target.host, .family = r->family};
	struct attempt a = {.outcome = ATTEMPT_NO_DNS};
	char sentence[SENTENCE_MAX];
	static struct lookup l;

	if (lookup_run(&params, &l) < 0)
		l.outcome = LOOKUP_FAILED;
	if (l.n_addresses) {
		set_address(r, &l.addresses[0]);
		return true;
	}
	if (l.server)
		a.outcome = ATTEMPT_NOT_FOUND;
	tell(r, sentence_of_lookup(&l, r->target.host, sentence));
	note(r, &a, sentence);
	r->tally.sent = r->count;
	return false;
}

static void attempt(struct run *r)
{
	char sentence[SENTENCE_MAX];
	struct attempt a;

	attempt_run(&r->address, r->wait_ns, &a);
	if (a.outcome == ATTEMPT_STOPPED)
		return;
	r->tally.sent++;
	r->has_timed_out |= a.outcome == ATTEMPT_TIMEOUT;
	if (a.outcome == ATTEMPT_SUCCESS) {
		r->tally.successful++;
		r->tally.total_ns += a.ns;
	}
	tell(r, sentence_of(&a, r->address_text, r->wait_ns, sentence));
	note(r, &a, sentence);
}

/* The end comes with a summary, also by hand. */
static void watch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

int main(int argc, char **argv)
{
	struct run r = {
		.count = ATTEMPTS, .wait_ns = (int64_t)WAIT_S * NS_PER_S, .out = {.f = stdout}};
	int status = parse(argc, argv, &r);

	if (status >= 0)
		return status;
	r.attempts = json_array();
	if (resolve(&r)) {
		watch_signals();
		for (unsigned i = 0; i < r.count && !is_stopped; i++)
			attempt(&r);
	}
	finish(&r);
	json_decref(r.attempts);
	return r.tally.successful == r.count ? EXIT_SUCCESS : EXIT_FAILURE;
}
