/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway at work, in a terminal: looks at it again and again, and shows what has moved in between. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "tools/sstpctl/client.h"
#include "tools/sstpctl/nouns.h"
#include "tools/sstpctl/request.h"
#include "tools/sstpctl/top_page.h"
#include "tools/sstpctl/view.h"

enum {
	ROWS_DEFAULT = 20,
	ROWS_MAX = 100000,
	COLUMNS_DEFAULT = 80,
	PAUSE_MS = 2000, /* between two looks */
	ONCE_MS = 1000,
	HEAD_ROWS = 7, /* of a page, beside those of VNets and sessions */
};

static const char clear_screen[] = "\033[H\033[2J";

/* Set by a signal: the terminal is put back before the end. */
static volatile sig_atomic_t is_over;

struct top {
	struct call *c;
	struct client *client;
	enum top_sort sort;
	size_t rows; /* of sessions; 0: as many as there is room for */
	bool is_paused;
	struct top_look before, now;
	struct termios terminal; /* as it was */
};

/* ---- looks ---- */

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void forget(struct top_look *look)
{
	json_decref((json_t *)look->metrics);
	json_decref((json_t *)look->sessions);
	*look = (struct top_look){0};
}

/* 0 or an exit code. */
static int ask(struct top *t, const char *path, json_t **ret_answer)
{
	struct client_error e;
	int r = client_ask(t->client, &(struct client_request){.method = "GET", .path = path},
			   ret_answer, &e);

	return r < 0 ? call_fail(request_exit_code(r), "%s", e.text) : 0;
}

/* The look that was now is the one before. 0 or an exit code. */
static int look(struct top *t)
{
	json_t *metrics, *sessions;
	int code = ask(t, "/v1/metrics", &metrics);

	if (code)
		return code;
	code = ask(t, "/v1/sessions", &sessions);
	if (code) {
		json_decref(metrics);
		return code;
	}
	forget(&t->before);
	t->before = t->now;
	t->now = (struct top_look){seconds_now(), metrics, sessions};
	return 0;
}

/* ---- the terminal ---- */

static void on_signal(int number)
{
	(void)number;
	is_over = 1;
}

/* Keys come one by one, unseen. */
static void enter_terminal(struct top *t)
{
	struct termios raw;

	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	signal(SIGHUP, on_signal);
	if (tcgetattr(STDIN_FILENO, &t->terminal) < 0)
		return;
	raw = t->terminal;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

static void leave_terminal(const struct top *t)
{
	tcsetattr(STDIN_FILENO, TCSANOW, &t->terminal);
}

static struct winsize size_of_terminal(void)
{
	struct winsize size = {0};

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col || !size.ws_row)
		size = (struct winsize){.ws_col = COLUMNS_DEFAULT,
					.ws_row = ROWS_DEFAULT + HEAD_ROWS};
	return size;
}

/* ---- pages ---- */

static size_t rows_on_screen(const struct top *t, const struct winsize *size)
{
	size_t used = HEAD_ROWS + 2 + top_page_vnets(&t->now);

	if (t->rows)
		return t->rows;
	return size->ws_row > used ? size->ws_row - used : 1;
}

static void show(struct top *t)
{
	struct winsize size = size_of_terminal();
	json_t *page = top_page_make(&t->before, &t->now, t->sort, rows_on_screen(t, &size));

	fputs(clear_screen, stdout);
	top_page_print(stdout, page, t->sort, size.ws_col);
	printf("%s", t->is_paused ? "paused: p goes on" : "q ends, s sorts, p pauses");
	fflush(stdout);
	json_decref(page);
}

static void on_key(struct top *t, char key)
{
	switch (key) {
	case 'q': is_over = 1; break;
	case 'p': t->is_paused = !t->is_paused; break;
	case 's': t->sort = (t->sort + 1) % TOP_SORTS; break;
	default: return;
	}
	if (!is_over)
		show(t);
}

/* Until it is time for the next look, or it is over. */
static void wait_for_keys(struct top *t)
{
	double until = seconds_now() + PAUSE_MS / 1e3;
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};

	while (!is_over && (t->is_paused || seconds_now() < until)) {
		char key;

		if (poll(&in, 1, t->is_paused ? -1 : (int)((until - seconds_now()) * 1e3) + 1) <= 0)
			continue;
		if (read(STDIN_FILENO, &key, 1) == 1)
			on_key(t, key);
		else
			is_over = 1; /* nobody is there any more */
	}
}

static int run_live(struct top *t)
{
	int code = 0;

	enter_terminal(t);
	while (!is_over && code == 0) {
		show(t);
		wait_for_keys(t);
		if (!is_over)
			code = look(t);
	}
	leave_terminal(t);
	putchar('\n');
	return code;
}

const struct view top_view = {.shape = VIEW_LINES};

static int run_once(struct top *t)
{
	json_t *page =
		top_page_make(&t->before, &t->now, t->sort, t->rows ? t->rows : ROWS_DEFAULT);
	int code = 0;

	if (t->c->output == OUTPUT_TABLE)
		top_page_print(stdout, page, t->sort, 0);
	else
		code = view_print(t->c, page);
	json_decref(page);
	return code;
}

/* 0 or an exit code. */
static int read_rows(const char *text, size_t *ret_rows)
{
	char *end;
	unsigned long n;

	if (!text)
		return 0;
	n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || n < 1 || n > ROWS_MAX)
		return call_fail(EXIT_USAGE, "--rows %s: a number from 1 to %d", text, ROWS_MAX);
	*ret_rows = n;
	return 0;
}

/* Without a terminal, and in another form than a table, it is one look. */
int top_run(struct call *c)
{
	struct top t = {.c = c};
	bool is_once = c->options[OPTION_ONCE] || c->output != OUTPUT_TABLE ||
		       !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO);
	int code = read_rows(c->options[OPTION_ROWS], &t.rows);

	if (code == 0)
		code = request_client(c, &t.client);
	if (code == 0)
		code = look(&t);
	if (code == 0) {
		poll(NULL, 0, ONCE_MS);
		code = look(&t);
	}
	if (code == 0)
		code = is_once ? run_once(&t) : run_live(&t);
	forget(&t.before);
	forget(&t.now);
	return code;
}
