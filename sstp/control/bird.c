/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/bird.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	ROOM_MIN = 4096,
	NOT_FOUND = 8001, /* BIRD's code */
};

static const char placeholder[] = "{vnet}";

int bird_socket_path(const char *pattern, const char *vnet, char ret_path[BIRD_SOCKET_MAX])
{
	const char *at = strstr(pattern, placeholder);
	int head = at ? (int)(at - pattern) : (int)strlen(pattern);
	const char *tail = at ? at + strlen(placeholder) : "";
	int n = snprintf(ret_path, BIRD_SOCKET_MAX, "%.*s%s%s", head, pattern, at ? vnet : "",
			 tail);

	return n >= BIRD_SOCKET_MAX ? -ENAMETOOLONG : 0;
}

/* One connection, and what has come over it. */
struct talk {
	const char *path;
	int fd;
	uint64_t until;
	char *text; /* owned */
	size_t len, cap;
	char *why;
};

static int fail(struct talk *t, int error)
{
	if (error == -ETIMEDOUT || error == -EAGAIN)
		snprintf(t->why, BIRD_WHY_MAX, "BIRD does not answer at %s", t->path);
	else if (error == -EFBIG)
		snprintf(t->why, BIRD_WHY_MAX, "BIRD's answer is too long");
	else
		snprintf(t->why, BIRD_WHY_MAX,
			 "BIRD cannot be asked at %s: %s (is it running? 'bird_socket' in "
			 "gateway.yaml says "
			 "where it is)",
			 t->path, strerror(-error));
	return error == -EAGAIN ? -ETIMEDOUT : error;
}

/* 0 or -errno. A socket whose backlog is full says -EAGAIN at once. */
static int dial(struct talk *t)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};

	if (strlen(t->path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	strcpy(to.sun_path, t->path);
	t->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (t->fd < 0)
		return -errno;
	return connect(t->fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}

/* 0 or -errno: -ETIMEDOUT. */
static int wait_for(struct talk *t, short events)
{
	uint64_t now = clock_now();
	int n;

	if (now >= t->until) /* who always has a little more to say too */
		return -ETIMEDOUT;
	n = poll(&(struct pollfd){.fd = t->fd, .events = events}, 1,
		 (int)((t->until - now + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS));
	if (n == 0)
		return -ETIMEDOUT;
	return n < 0 && errno != EINTR ? -errno : 0;
}

static int make_room(struct talk *t)
{
	size_t cap = t->cap ? 2 * t->cap : ROOM_MIN;
	char *text;

	if (t->cap - t->len >= ROOM_MIN / 2)
		return 0;
	if (cap > BIRD_REPLY_MAX)
		return -EFBIG;
	text = realloc(t->text, cap);
	if (!text)
		return -ENOMEM;
	t->text = text;
	t->cap = cap;
	return 0;
}

/* 1: something came, or is to be waited for once more; -errno. */
static int read_more(struct talk *t)
{
	int r = make_room(t);
	ssize_t n;

	if (r == 0)
		r = wait_for(t, POLLIN);
	if (r < 0)
		return r;
	n = recv(t->fd, t->text + t->len, t->cap - t->len - 1, 0);
	if (n == 0)
		return -ECONNRESET;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 1 : -errno;
	t->len += (size_t)n;
	return 1;
}

/* What is behind a line's number, without its end. */
static void quote(struct talk *t, size_t last)
{
	const char *line = t->text + last;
	size_t len = t->len - last;
	size_t end = strcspn(line, "\n");
	size_t skip = end > 5 ? 5 : end;

	if (end > len)
		end = len;
	snprintf(t->why, BIRD_WHY_MAX, "BIRD refuses: %.*s", (int)(end - skip), line + skip);
}

/* Behind the last whole line of what has come. */
static size_t end_of_lines(const struct talk *t, size_t from)
{
	const char *end = memrchr(t->text + from, '\n', t->len - from);

	return end ? (size_t)(end - t->text) + 1 : from;
}

/* One whole reply, alone in t->text, with a NUL. No line is looked at twice. */
static int hear(struct talk *t)
{
	unsigned code = 0;
	size_t looked = 0, last = 0, n = 0;
	int r = 1;

	t->len = 0;
	while (r > 0 && !n) {
		r = read_more(t);
		if (r > 0)
			n = bird_reply_whole(t->text + looked, t->len - looked, &code, &last);
		if (!n && r > 0)
			looked = end_of_lines(t, looked);
	}
	if (r < 0)
		return fail(t, r);
	t->text[t->len] = '\0';
	if (code < BIRD_REFUSED)
		return 0;
	quote(t, looked + last);
	return code == NOT_FOUND ? -ENOENT : -EPROTO;
}

static int say(struct talk *t, const char *command)
{
	char line[BIRD_COMMAND_MAX + 1];
	int len = snprintf(line, sizeof(line), "%s\n", command);
	ssize_t n;

	if (len >= (int)sizeof(line))
		return fail(t, -ENAMETOOLONG);
	n = send(t->fd, line, (size_t)len, MSG_NOSIGNAL);
	if (n == len)
		return 0;
	return fail(t, n < 0 ? -errno : -EAGAIN);
}

/* The greeting, then restrict, then the command. */
static int converse(struct talk *t, const char *command)
{
	int r = hear(t);

	if (r == 0)
		r = say(t, "restrict");
	if (r == 0)
		r = hear(t);
	if (r == 0)
		r = say(t, command);
	return r == 0 ? hear(t) : r;
}

int bird_ask(const char *path, const char *command, uint64_t patience_ns, char **ret_text,
	     size_t *ret_len, char ret_why[BIRD_WHY_MAX])
{
	struct talk t = {
		.path = path, .fd = -1, .until = clock_now() + patience_ns, .why = ret_why};
	int r = dial(&t);

	r = r < 0 ? fail(&t, r) : converse(&t, command);
	if (t.fd >= 0)
		close(t.fd);
	if (r < 0) {
		free(t.text);
		return r;
	}
	*ret_text = t.text;
	*ret_len = t.len;
	return 0;
}

struct finding {
	const struct prefix *dst;
	struct bird_route *route;
	bool is_found;
};

static void take_best(void *arg, const struct bird_route *route)
{
	struct finding *f = arg;

	if (!prefix_equal(&route->dst, f->dst) || (f->is_found && !route->is_best) ||
	    !*route->as_path)
		return;
	if (f->is_found && f->route->is_best)
		return;
	*f->route = *route;
	f->is_found = true;
}

int bird_find_route(const char *path, const struct prefix *dst, struct bird_route *ret_route,
		    char ret_why[BIRD_WHY_MAX])
{
	struct finding f = {.dst = dst, .route = ret_route};
	char command[BIRD_COMMAND_MAX], text[PREFIX_TEXT_MAX];
	char *reply;
	size_t len;
	int r;

	snprintf(command, sizeof(command), "show route table all %s all", prefix_format(dst, text));
	r = bird_ask(path, command, BIRD_PATIENCE, &reply, &len, ret_why);
	if (r < 0)
		return r;
	bird_reply_routes(reply, len, take_best, &f);
	free(reply);
	if (f.is_found)
		return 0;
	snprintf(ret_why, BIRD_WHY_MAX, "BIRD knows no way to %s by BGP", text);
	return -ENOENT;
}
