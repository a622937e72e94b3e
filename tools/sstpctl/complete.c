/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sstpctl/complete.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sstpctl/client.h"
#include "tools/sstpctl/place.h"
#include "tools/sstpctl/request.h"

enum {
	WORDS_MAX = 2 + CALL_ARGUMENTS_MAX,
	NAME_MAX_BYTES = 32,
};

/* A command line up to the cursor. */
struct line {
	struct call call;
	const char *words[WORDS_MAX];
	size_t n_words;
	const char *current;
	enum option_id pending; /* waits for its value; OPTION_COUNT: none does */
	FILE *f;
	complete_names *names;
};

/* ---- what stands in front of the cursor ---- */

/* OPTION_COUNT: it is none, or has its value with it. */
static enum option_id option_of(const char *word)
{
	if (word[0] != '-' || !word[1])
		return OPTION_COUNT;
	if (word[1] == '-')
		return option_find(word + 2, strcspn(word + 2, "="));
	for (int i = 0; i < OPTION_COUNT; i++)
		if (option_info((enum option_id)i)->letter == word[1] && !word[2])
			return (enum option_id)i;
	return OPTION_COUNT;
}

/* The words that stand in front of the cursor; a shell cuts --socket=PATH into three. */
static void take_word(struct line *l, const char *word)
{
	enum option_id option = option_of(word);

	if (l->pending < OPTION_COUNT) {
		if (!strcmp(word, "="))
			return;
		l->call.options[l->pending] = word;
		l->pending = OPTION_COUNT;
	} else if (option < OPTION_COUNT && option_info(option)->value && !strchr(word, '=')) {
		l->pending = option;
	} else if (option < OPTION_COUNT) {
		l->call.options[option] = strchr(word, '=') ? strchr(word, '=') + 1 : "";
	} else if (*word != '-' && l->n_words < WORDS_MAX &&
		   !(l->n_words == 0 && !strcmp(word, "help"))) {
		l->words[l->n_words++] = word;
	}
}

static void find_verb(struct line *l)
{
	size_t first;

	if (!l->n_words)
		return;
	l->call.verb = call_find_verb(l->call.table, l->words[0], l->words[1]);
	if (!l->call.verb)
		return;
	first = l->call.verb->verb ? 2 : 1;
	for (size_t i = first; i < l->n_words && i - first < CALL_ARGUMENTS_MAX; i++)
		l->call.arguments[i - first] = l->words[i];
}

/* ---- what can follow ---- */

static void offer(const struct line *l, const char *head, const char *word, size_t len)
{
	size_t head_len = strlen(head), typed = strlen(l->current);
	char whole[128];

	if (head_len + len >= sizeof(whole))
		return;
	snprintf(whole, sizeof(whole), "%s%.*s", head, (int)len, word);
	if (strncmp(whole, l->current, typed) == 0)
		fprintf(l->f, "%s\n", whole);
}

static void offer_words(const struct line *l, const char *words)
{
	while (*words) {
		size_t len = strcspn(words, " ");

		offer(l, "", words, len);
		words += len + strspn(words + len, " ");
	}
}

/* Those that the gateway knows, of which only some begin so. */
static void offer_names(struct line *l, const char *name, size_t len)
{
	char *text = NULL;
	size_t size;
	FILE *all;

	if (len == strlen("FILE") && !strncmp(name, "FILE", len)) {
		fputs(":files\n", l->f);
		return;
	}
	all = l->names ? open_memstream(&text, &size) : NULL;
	if (!all)
		return;
	l->names(&l->call, name, len, all);
	fclose(all);
	for (char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n')
		offer(l, "", p, strcspn(p, "\n"));
	free(text);
}

static void offer_value(struct line *l)
{
	const struct option_info *o = option_info(l->pending);

	if (!strcmp(l->current, "="))
		l->current = "";
	if (o->words)
		offer_words(l, o->words);
	else if (o->names)
		offer_names(l, o->names, strlen(o->names));
}

static void offer_options(const struct line *l)
{
	const char *list = l->call.verb ? l->call.verb->options : "";

	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_info *o = option_info((enum option_id)i);

		if (!l->call.options[i] &&
		    (i >= OPTION_COMMON || option_is_among((enum option_id)i, list, NULL)))
			offer(l, "--", o->name, strlen(o->name));
	}
}

static void offer_nouns(const struct line *l)
{
	const struct verb_table *t = l->call.table;

	for (size_t i = 0; i < t->n; i++)
		if (i == 0 || strcmp(t->verbs[i].noun, t->verbs[i - 1].noun) != 0)
			offer(l, "", t->verbs[i].noun, strlen(t->verbs[i].noun));
	offer(l, "", "help", strlen("help"));
}

static void offer_verbs(const struct line *l)
{
	const struct verb_table *t = l->call.table;

	for (size_t i = 0; i < t->n; i++)
		if (t->verbs[i].verb && strcmp(t->verbs[i].noun, l->words[0]) == 0)
			offer(l, "", t->verbs[i].verb, strlen(t->verbs[i].verb));
}

static void offer_argument(struct line *l)
{
	size_t i = l->n_words - (l->call.verb->verb ? 2 : 1), len;
	bool is_optional;
	const char *name = call_argument(l->call.verb->arguments, i, &len, &is_optional);

	if (name)
		offer_names(l, name, len);
}

void complete_print(FILE *f, const struct verb_table *table, int argc, char **argv,
		    complete_names *names)
{
	struct client *client = NULL;
	struct line l = {.call = {.table = table, .client = &client},
			 .current = argc > 0 ? argv[argc - 1] : "",
			 .pending = OPTION_COUNT,
			 .f = f,
			 .names = names};

	for (int i = 0; i + 1 < argc; i++)
		take_word(&l, argv[i]);
	find_verb(&l);
	if (l.pending < OPTION_COUNT)
		offer_value(&l);
	else if (*l.current == '-')
		offer_options(&l);
	else if (!l.n_words)
		offer_nouns(&l);
	else if (l.call.verb)
		offer_argument(&l);
	else if (l.n_words == 1)
		offer_verbs(&l);
	client_free(client);
}

/* ---- the gateway's names ---- */

static const struct source {
	const char *name;
	const char *noun; /* NULL: of any */
	const char *path; /* as request.h has it */
	const char *key;
} sources[] = {
	{"PLAN", NULL, "*Microsoft.Web/serverfarms", "name"},
	{"APP", NULL, "*Microsoft.Web/sites", "name"},
	{"VNET", NULL, "*Microsoft.Network/virtualNetworks", "name"},
	{"PEERING", NULL, "{/VNET}/virtualNetworkPeerings", "name"},
	{"ROUTE", NULL, "{/PLAN}/virtualNetworkConnections/{VNET}/routes", "name"},
	{"SUBSCRIPTION", NULL, "/subscriptions", "subscriptionId"},
	{"SESSION", NULL, "/v1/sessions", "vpnConnectionId"},
	{"OPERATION", NULL, "/v1/operations", "id"},
	{"ID", "token", "/v1/tokens", "id"},
	{"THUMBPRINT", "cert", "/v1/certificates", "certThumbprint"},
	{"THUMBPRINT", "root", "/v1/roots", "thumbprint"},
};

/* "get plans": the names are the plans'. */
static const char *name_to_get(const struct call *c, char buf[NAME_MAX_BYTES])
{
	size_t len;

	snprintf(buf, NAME_MAX_BYTES, "%s", c->arguments[0]);
	for (char *p = buf; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	len = strlen(buf);
	if (len && buf[len - 1] == 'S')
		buf[len - 1] = '\0';
	return buf;
}

static const struct source *find_source(const struct call *c, const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		const struct source *s = &sources[i];

		if (strlen(s->name) == len && !strncmp(s->name, name, len) &&
		    (!s->noun || (c->verb && !strcmp(s->noun, c->verb->noun))))
			return s;
	}
	return NULL;
}

static void print_names(struct call *c, const char *name, size_t len, FILE *f)
{
	char buf[NAME_MAX_BYTES];
	const struct source *s;
	const json_t *list, *item;
	json_t *answer;
	size_t i;
	int code;

	call_take_environment(c);
	if (c->arguments[0] && len == strlen("NAME") && !strncmp(name, "NAME", len)) {
		name = name_to_get(c, buf);
		len = strlen(name);
	}
	s = find_source(c, name, len);
	if (!s)
		return;
	code = *s->path == '*' ? place_list(c, s->path + 1, &answer)
			       : request_send_body(c, "GET", s->path, NULL, &answer);
	if (code)
		return;
	list = json_is_array(answer) ? answer : json_object_get(answer, "value");
	json_array_foreach(list, i, item)
	{
		const char *text = json_string_value(json_object_get(item, s->key));

		if (text)
			fprintf(f, "%s\n", text);
	}
	json_decref(answer);
}

int complete_run(const struct verb_table *table, int argc, char **argv)
{
	complete_print(stdout, table, argc, argv, print_names);
	return 0;
}
