/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certs/calendar.h"
#include "sstp/base/conf_option.h"
#include "sstp/base/secret.h"
#include "sstp/worker/config.h"
#include "sstp/worker/enrol.h"
#include "sstp/worker/profile.h"
#include "sstp/worker/renew.h"
#include "sstp/worker/status.h"

static const char usage[] =
	"Usage: sstp-worker enrol TOKEN [--profile NAME|FILE] [--force]\n"
	"       sstp-worker renew --profile NAME|FILE\n"
	"       sstp-worker profile show NAME|FILE [--json]\n"
	"       sstp-worker profile update NAME|FILE <DESCRIPTION\n"
	"       sstp-worker status [NAME] [--json]\n"
	"\n"
	"enrol         makes a key, gets a certificate for it by TOKEN (-: from standard input),\n"
	"              and writes a profile for: sstp-worker --profile NAME -- APP\n"
	"renew         gets a new certificate by the present one; workers that run change over to "
	"it\n"
	"profile show  prints what is in a profile, all but the key\n"
	"profile update  takes a network description, as a gateway makes it, into a profile; a\n"
	"              worker that runs does it with what its gateway tells\n"
	"status        prints how the workers that run are doing; NAME is a profile's name, a TUN\n"
	"              device or a process id\n"
	"\n"
	"  -P, --profile NAME|FILE    a path with a slash, or a name in the folder of profiles\n"
	"      --force                replace a profile that is there\n"
	"      --if-still THUMBPRINT  renew only while this is the profile's certificate\n"
	"      --json                 print JSON\n"
	"  -h, --help                 print this and end\n"
	"\n"
	"See sstp-worker(8).\n";

struct command {
	char **words; /* what is no option */
	int n_words;
	const char *profile; /* NULL: not given */
	const char *still;   /* thumbprint; NULL: not given */
	bool force;
	bool json;
	bool help;
	int64_t now;
};

static int complain(int exit_status, const char *text)
{
	fprintf(stderr, "sstp-worker: %s\n", text);
	return exit_status;
}

static int exit_of(int r)
{
	switch (r) {
	case 0: return EXIT_SUCCESS;
	case -EACCES:
	case -ETIME: return WORKER_EXIT_AUTH;
	case -EKEYREJECTED:
	case -EBADMSG: return WORKER_EXIT_CERTIFICATE;
	case -EHOSTUNREACH:
	case -EAGAIN:
	case -EPROTO: return WORKER_EXIT_UNREACHED;
	default: return WORKER_EXIT_INTERNAL;
	}
}

/* ---- enrol ---- */

/* One byte more than fits, so that what is too long is seen to be. */
static int read_token(const char *word, struct token *ret_token, struct certs_error *e)
{
	char text[TOKEN_TEXT_MAX + 8];
	size_t len;
	int r;

	if (strcmp(word, "-") != 0)
		return token_decode(word, strlen(word), ret_token, e);
	len = fread(text, 1, sizeof(text), stdin);
	r = token_decode(text, len, ret_token, e);
	secret_wipe_bytes(text, sizeof(text));
	return r;
}

static int choose_path(const struct command *c, const struct token *token,
		       char ret_path[PROFILE_PATH_MAX], struct draft **ret_draft,
		       struct certs_error *e)
{
	char name[NAME_LABEL_MAX];
	int r = profile_path(c->profile ? c->profile : profile_default_name(token->gateway, name),
			     ret_path, e);

	return r < 0 ? r : profile_prepare(ret_path, c->force, ret_draft, e);
}

/* what: has happened. */
static void tell(const char *what, const struct profile *p, const char *path, const char *name)
{
	char until[CALENDAR_TEXT_MAX];
	struct cert_facts facts;

	if (profile_certificate(p, &facts) == 0)
		printf("%s %s: certificate %s, valid until %s.\n", what, p->gateway,
		       facts.thumbprint, calendar_text(facts.not_after, until));
	printf("Profile: %s\nTo connect: sstp-worker --profile %s -- APP\n", path, name);
}

/* The token is used up: what it has brought must not get lost. */
static int keep(struct draft *draft, int r, struct certs_error *e)
{
	const struct certs_error said = *e;

	return certs_fail(e, r, "%.400s. The token is used up; what came of it is kept in %s",
			  said.text, draft_keep(draft));
}

static int enrol(const struct command *c, const struct token *token, const char *path,
		 struct draft *draft, struct certs_error *e)
{
	struct profile p = {.enrolled = c->now};
	char name[NAME_LABEL_MAX];
	EVP_PKEY *key = NULL;
	int r = profile_begin(token->gateway, c->now, path, draft, &key, e);

	snprintf(p.gateway, sizeof(p.gateway), "%s", token->gateway);
	if (r == 0)
		r = enrol_by_token(token, key, c->now, &p.enrolment, e);
	EVP_PKEY_free(key);
	if (r < 0)
		return r;
	r = profile_put(&p, path, draft, c->force, e);
	if (r == 0)
		tell("Enrolled with", &p, path,
		     c->profile ? c->profile : profile_default_name(token->gateway, name));
	else
		r = keep(draft, r, e);
	profile_done(&p);
	return r;
}

static int run_enrol(const struct command *c)
{
	char path[PROFILE_PATH_MAX];
	struct draft *draft;
	struct certs_error e;
	struct token token;
	int r;

	if (c->n_words != 1 || c->json || c->still)
		return complain(WORKER_EXIT_USAGE,
				"enrol takes one TOKEN; see sstp-worker enrol --help");
	r = read_token(c->words[0], &token, &e);
	secret_wipe_bytes(c->words[0], strlen(c->words[0]));
	if (r < 0)
		return complain(WORKER_EXIT_USAGE, e.text);
	if (choose_path(c, &token, path, &draft, &e) < 0) {
		token_wipe(&token);
		return complain(WORKER_EXIT_USAGE, e.text);
	}
	r = enrol(c, &token, path, draft, &e);
	draft_free(draft);
	token_wipe(&token);
	return r < 0 ? complain(exit_of(r), e.text) : EXIT_SUCCESS;
}

/* ---- renew, profile show ---- */

static int load(const char *name, char ret_path[PROFILE_PATH_MAX], struct profile *ret_profile)
{
	struct certs_error e;

	if (profile_path(name, ret_path, &e) < 0 || profile_load(ret_path, ret_profile, &e) < 0)
		return complain(WORKER_EXIT_USAGE, e.text);
	return 0;
}

static int run_renew(const struct command *c)
{
	struct profile p = {.enrolled = 0};
	char path[PROFILE_PATH_MAX];
	struct certs_error e;
	int r;

	if (!c->profile || c->n_words || c->force || c->json)
		return complain(
			WORKER_EXIT_USAGE,
			"renew takes --profile and nothing else; see sstp-worker renew --help");
	r = load(c->profile, path, &p);
	profile_done(&p);
	if (r)
		return r;
	r = renew_profile(path, c->still, c->now, &e);
	if (r < 0)
		return complain(exit_of(r), e.text);
	if (!c->still && load(c->profile, path, &p) == 0)
		tell("Renewed at", &p, path, c->profile);
	profile_done(&p);
	return EXIT_SUCCESS;
}

/* What a worker that runs was told in band, or a gateway wrote into a file; one byte more is seen to be too long. */
static int read_description(struct description *ret, struct certs_error *e)
{
	char *text = malloc(DESCRIPTION_JSON_MAX + 1);
	size_t len;
	int r;

	if (!text)
		return certs_fail(e, -ENOMEM, "out of memory");
	len = fread(text, 1, DESCRIPTION_JSON_MAX + 1, stdin);
	r = description_parse(text, len, ret, e);
	free(text);
	return r;
}

static int run_update(const struct command *c)
{
	struct description d = {.n_routes = 0};
	char path[PROFILE_PATH_MAX];
	struct certs_error e;
	int r = profile_path(c->words[1], path, &e);

	if (r == 0)
		r = read_description(&d, &e);
	if (r == 0)
		r = profile_describe(path, &d, &e);
	description_done(&d);
	return r < 0 ? complain(WORKER_EXIT_USAGE, e.text) : EXIT_SUCCESS;
}

static int run_show(const struct command *c)
{
	struct profile p = {.enrolled = 0};
	char path[PROFILE_PATH_MAX];
	int r = load(c->words[1], path, &p);

	if (r)
		return r;
	if (c->json)
		profile_print_json(stdout, &p, c->now);
	else
		profile_print(stdout, &p, c->now);
	profile_done(&p);
	return EXIT_SUCCESS;
}

/* ---- status ---- */

static int run_status(const struct command *c)
{
	const char *name = c->n_words ? c->words[0] : NULL;
	enum status_answer answer;

	if (c->n_words > 1 || c->profile || c->force || c->still)
		return complain(WORKER_EXIT_USAGE, "use: sstp-worker status [NAME] [--json]");
	answer = status_print(stdout, name, c->json);
	if (answer == STATUS_NO_WORKER && name)
		fprintf(stderr, "sstp-worker: no worker '%s' runs here\n", name);
	else if (answer == STATUS_NO_WORKER)
		fputs("sstp-worker: no worker runs here\n", stderr);
	return answer;
}

static int run_profile(const struct command *c)
{
	if (c->n_words == 2 && !c->profile && !c->force && !c->still) {
		if (strcmp(c->words[0], "show") == 0)
			return run_show(c);
		if (strcmp(c->words[0], "update") == 0 && !c->json)
			return run_update(c);
	}
	return complain(WORKER_EXIT_USAGE,
			"use: sstp-worker profile show NAME|FILE [--json], or profile update "
			"NAME|FILE <DESCRIPTION");
}

/* ---- which ---- */

static const struct {
	const char *name;
	int (*run)(const struct command *c);
} commands[] = {
	{"enrol", run_enrol},
	{"renew", run_renew},
	{"profile", run_profile},
	{"status", run_status},
};

enum {
	OPT_FORCE = 256,
	OPT_JSON,
	OPT_IF_STILL,
};

static const struct option options[] = {
	{"profile", required_argument, NULL, 'P'},
	{"force", no_argument, NULL, OPT_FORCE},
	{"if-still", required_argument, NULL, OPT_IF_STILL},
	{"json", no_argument, NULL, OPT_JSON},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static int take_options(int argc, char **argv, struct command *c)
{
	struct conf_error e;
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, ":P:h", options, NULL)) != -1) {
		switch (option) {
		case 'P': c->profile = optarg; break;
		case OPT_FORCE: c->force = true; break;
		case OPT_IF_STILL: c->still = optarg; break;
		case OPT_JSON: c->json = true; break;
		case 'h': c->help = true; break;
		default:
			conf_option_fail(option, argv, &e);
			return complain(WORKER_EXIT_USAGE, e.text);
		}
	}
	c->words = argv + optind;
	c->n_words = argc - optind;
	return 0;
}

static size_t find(const char *word)
{
	size_t i = 0;

	while (i < sizeof(commands) / sizeof(commands[0]) && strcmp(commands[i].name, word) != 0)
		i++;
	return i;
}

bool command_is_one(int argc, char *const *argv)
{
	return argc > 1 && find(argv[1]) < sizeof(commands) / sizeof(commands[0]);
}

int command_run(int argc, char **argv, int64_t now)
{
	struct command c = {.now = now};
	int r = take_options(argc - 1, argv + 1, &c);

	if (r)
		return r;
	if (c.help) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	return commands[find(argv[1])].run(&c);
}
