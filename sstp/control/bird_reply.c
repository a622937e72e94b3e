/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/bird_reply.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CODE_LEN = 4,
	CODE_PEER = 1002,
	LINE_MAX_BYTES = 2048, /* of a line that is looked at; the rest of it is passed over */
	COLUMNS = 6,	       /* of the first line of a peer */
};

/* ---- lines ---- */

/* The code of a line that has one; 0: it has none. */
static unsigned code_of(const char *line, size_t len)
{
	unsigned code = 0;

	if (len <= CODE_LEN || (line[CODE_LEN] != '-' && line[CODE_LEN] != ' '))
		return 0;
	for (int i = 0; i < CODE_LEN; i++) {
		if (!isdigit((unsigned char)line[i]))
			return 0;
		code = 10 * code + (unsigned)(line[i] - '0');
	}
	return code;
}

size_t bird_reply_whole(const char *text, size_t len, unsigned *ret_code, size_t *ret_last)
{
	size_t at = 0;
	const char *end;

	while ((end = memchr(text + at, '\n', len - at))) {
		size_t line = (size_t)(end - (text + at));

		/* "0000 " with nothing behind it too */
		if (line > CODE_LEN && text[at + CODE_LEN] == ' ' &&
		    isdigit((unsigned char)text[at])) {
			*ret_code = code_of(text + at, line);
			*ret_last = at;
			return at + line + 1;
		}
		at += line + 1;
	}
	return 0;
}

/* Text that is walked; each line without what is in front of it, with a NUL. */
struct lines {
	const char *text;
	size_t left;
	unsigned code; /* of the present line */
	char line[LINE_MAX_BYTES];
};

static bool next_line(struct lines *l)
{
	const char *end = memchr(l->text, '\n', l->left);
	size_t len = end ? (size_t)(end - l->text) : l->left;
	unsigned code = code_of(l->text, len);
	size_t skip = code ? CODE_LEN + 1 : len > 0;
	size_t n = len - skip;

	if (!l->left)
		return false;
	if (code || (len > CODE_LEN && l->text[0] == '0'))
		l->code = code;
	if (n >= sizeof(l->line))
		n = sizeof(l->line) - 1;
	memcpy(l->line, l->text + skip, n);
	l->line[n] = '\0';
	l->text += len + (end != NULL);
	l->left -= len + (end != NULL);
	return true;
}

/* What is behind "key:" of a line that begins so; NULL: it does not. */
static const char *value_of(const char *line, const char *key)
{
	size_t len = strlen(key);

	line += strspn(line, " \t");
	if (strncmp(line, key, len) != 0 || line[len] != ':')
		return NULL;
	line += len + 1;
	return line + strspn(line, " \t");
}

/* True: the line was of that key; then text has what it says. */
static bool take_text(const char *line, const char *key, char *text, size_t size)
{
	const char *value = value_of(line, key);

	if (value)
		snprintf(text, size, "%s", value);
	return value != NULL;
}

static bool take_number(const char *line, const char *key, uint32_t *number)
{
	const char *value = value_of(line, key);

	if (value)
		*number = (uint32_t)strtoul(value, NULL, 10);
	return value != NULL;
}

/* ---- peers ---- */

/* Words with their ends cut; how many. */
static size_t split(char *line, char *words[COLUMNS])
{
	char *save = NULL;
	size_t n = 0;

	for (char *word = strtok_r(line, " \t", &save); word && n < COLUMNS;
	     word = strtok_r(NULL, " \t", &save))
		words[n++] = word;
	return n;
}

/* "name BGP table state since info". False: it is something else. */
static bool begin_peer(char *line, struct bird_peer *ret_peer)
{
	enum {
		NAME,
		KIND,
		TABLE,
		STATE,
		SINCE,
		MIN
	};
	char *words[COLUMNS];
	size_t n = split(line, words);

	*ret_peer = (struct bird_peer){.name = ""};
	if (n < MIN || strcmp(words[KIND], "BGP") != 0)
		return false;
	snprintf(ret_peer->name, sizeof(ret_peer->name), "%s", words[NAME]);
	snprintf(ret_peer->state, sizeof(ret_peer->state), "%s", words[STATE]);
	snprintf(ret_peer->since, sizeof(ret_peer->since), "%s", words[SINCE]);
	return true;
}

/* The number in front of " word" in text; 0: it is not there. */
static uint64_t number_before(const char *text, const char *word)
{
	const char *at = strstr(text, word);

	while (at && at > text && isdigit((unsigned char)at[-1]))
		at--;
	return at ? strtoull(at, NULL, 10) : 0;
}

static void take_peer_line(const char *line, struct bird_peer *p)
{
	const char *routes = value_of(line, "Routes");

	if (routes) {
		p->imported += number_before(routes, " imported");
		p->exported += number_before(routes, " exported");
		return;
	}
	if (take_text(line, "BGP state", p->bgp_state, sizeof(p->bgp_state)) ||
	    take_text(line, "Neighbor address", p->neighbor, sizeof(p->neighbor)) ||
	    take_text(line, "Source address", p->local, sizeof(p->local)) ||
	    take_text(line, "Last error", p->error, sizeof(p->error)))
		return;
	if (!take_number(line, "Neighbor AS", &p->neighbor_as))
		take_number(line, "Local AS", &p->local_as);
}

void bird_reply_peers(const char *text, size_t len,
		      void (*each)(void *arg, const struct bird_peer *peer), void *arg)
{
	struct lines l = {.text = text, .left = len};
	struct bird_peer peer = {.name = ""};
	bool has_peer = false;

	while (next_line(&l)) {
		if (l.code != CODE_PEER) {
			take_peer_line(l.line, &peer);
			continue;
		}
		if (has_peer)
			each(arg, &peer);
		has_peer = begin_peer(l.line, &peer);
	}
	if (has_peer)
		each(arg, &peer);
}

/* ---- routes ---- */

/* "10.50.0.0/16" at the beginning of a line; another way to the same one has blanks there. */
static bool take_prefix(const char *line, struct prefix *prefix)
{
	char text[PREFIX_TEXT_MAX];
	size_t len = strcspn(line, " \t");

	if (len == 0)
		return true;
	if (len >= sizeof(text) || !memchr(line, '/', len))
		return false;
	memcpy(text, line, len);
	text[len] = '\0';
	return prefix_parse(text, prefix) == 0;
}

/* "PREFIX unicast [peer since] * (100)". False: it is something else. */
static bool begin_route(const char *line, struct prefix *prefix, struct bird_route *ret_route)
{
	const char *open = strstr(line, " [");
	const char *close = open ? strchr(open, ']') : NULL;
	struct bird_route r = {.as_path = ""};

	if (!close || *line == '\t' || !take_prefix(line, prefix) || !prefix->family)
		return false;
	r.dst = *prefix;
	snprintf(r.peer, sizeof(r.peer), "%.*s", (int)strcspn(open + 2, " ]"), open + 2);
	r.is_best = strncmp(close, "] *", 3) == 0;
	*ret_route = r;
	return true;
}

static void take_route_line(const char *line, struct bird_route *r)
{
	if (take_text(line, "BGP.as_path", r->as_path, sizeof(r->as_path)) ||
	    take_text(line, "BGP.next_hop", r->next_hop, sizeof(r->next_hop)) ||
	    take_text(line, "BGP.origin", r->origin, sizeof(r->origin)))
		return;
	take_number(line, "BGP.local_pref", &r->local_pref);
}

void bird_reply_routes(const char *text, size_t len,
		       void (*each)(void *arg, const struct bird_route *route), void *arg)
{
	struct lines l = {.text = text, .left = len};
	struct prefix prefix = {0};
	struct bird_route route, next;
	bool has_route = false;

	while (next_line(&l)) {
		if (!begin_route(l.line, &prefix, &next)) {
			if (has_route)
				take_route_line(l.line, &route);
			continue;
		}
		if (has_route)
			each(arg, &route);
		route = next;
		has_route = true;
	}
	if (has_route)
		each(arg, &route);
}
