/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inotify only gives a sign; what has happened is found out by looking. Every folder on the way to a file is watched for
 * the name by which the way goes on, links followed as the kernel does, so that whatever makes the path lead to other
 * bytes is a sign. Of an event only its name is asked: others' files in these folders, /tmp or a log among them, cost the
 * reading of their events and nothing else. What has no name, the folder itself or a full queue, is a sign too.
 *
 * The first sign is waited upon for a moment, in which more cost nothing, since the descriptor is not watched; then all
 * watches are made anew, for the way may be another one, and the contents are compared with what they were. Since
 * watches come first and contents second, no change falls between two looks.
 */
#include "sstp/gateway/cert_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sstp/base/log.h"
#include "sstp/base/secret.h"

enum {
	LINKS_MAX = 40, /* the kernel's limit */
	FILE_BYTES_MAX = 1 << 20,
	EVENTS_BYTES = 16 * 1024, /* read at a time */
	/* where its names lead, what is written behind them, and whether it can be read */
	SIGNS = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF |
		IN_MOVE_SELF | IN_CLOSE_WRITE | IN_ATTRIB,
};

/* A name in a watched folder by which a way goes on. */
struct spot {
	int folder; /* inotify's watch */
	char name[NAME_MAX + 1];
};

struct cert_watch {
	struct loop *loop;
	struct cert_watch_params params;
	char **files;
	uint64_t print; /* of all contents, when they were last looked at */
	bool is_polling;
	int fd; /* inotify's; -1: none */
	struct spot *spots;
	size_t n_spots;
	struct loop_io *io;
	struct loop_timer *timer;
};

/* ---- what is in the files ---- */

/* FNV-1a: nobody gains by files that look alike here, they only would not be loaded. */
static uint64_t add_bytes(uint64_t print, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		print = (print ^ ((const uint8_t *)data)[i]) * UINT64_C(0x100000001b3);
	return print;
}

static uint64_t add_contents(uint64_t print, int fd)
{
	uint8_t buf[4096];
	size_t left = FILE_BYTES_MAX;
	ssize_t n = 1;

	while (n > 0 && left) {
		n = read(fd, buf, left < sizeof(buf) ? left : sizeof(buf));
		if (n > 0)
			left -= (size_t)n;
		print = add_bytes(print, buf, n > 0 ? (size_t)n : 0);
	}
	/* private keys came through here */
	secret_wipe_bytes(buf, sizeof(buf));
	return add_bytes(print, &left, sizeof(left));
}

/* A file that cannot be read has no contents, and neither has what is no file: opening a pipe must not block. */
static uint64_t add_file(uint64_t print, const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int error = fd < 0 ? errno : 0;
	struct stat st;

	print = add_bytes(print, &error, sizeof(error));
	if (fd < 0)
		return print;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		print = add_contents(print, fd);
	close(fd);
	return print;
}

static uint64_t look_at_files(const struct cert_watch *w)
{
	uint64_t print = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < w->params.n_files; i++)
		print = add_file(print, w->files[i]);
	return print;
}

/* ---- the way to a file ---- */

/* How far a path has been followed: `at` is a folder without links in its name, `rest` what is still to go. */
struct way {
	char at[PATH_MAX];
	char rest[PATH_MAX];
	unsigned links;
};

/* False: too long. */
static bool way_set(char dst[PATH_MAX], const char *head, const char *slash, const char *tail)
{
	char text[PATH_MAX];
	int len = snprintf(text, sizeof(text), "%s%s%s", head, slash, tail);

	if (len < 0 || (size_t)len >= sizeof(text))
		return false;
	memcpy(dst, text, (size_t)len + 1);
	return true;
}

static bool way_begin(struct way *way, const char *path)
{
	way->links = 0;
	return way_set(way->rest, path, "", "") &&
	       way_set(way->at, *path == '/' ? "/" : ".", "", "");
}

/* Goes on by one name: into what is there, or to where the link leads. False: no further. */
static bool way_step(struct way *way, const char *name, const char *rest)
{
	char next[PATH_MAX];
	char target[PATH_MAX];
	ssize_t len;

	if (!way_set(next, way->at, "/", name))
		return false;
	len = readlink(next, target, sizeof(target) - 1);
	if (len < 0)
		return way_set(way->at, next, "", "") && way_set(way->rest, rest, "", "");
	target[len] = '\0';
	if (++way->links > LINKS_MAX || !way_set(way->rest, target, "/", rest))
		return false;
	return *target != '/' || way_set(way->at, "/", "", "");
}

/* A name that is too long for a file can never be one. 0 or -ENOMEM. */
static int add_spot(struct cert_watch *w, int folder, const char *name)
{
	size_t len = strlen(name);
	struct spot *more;

	if (len > NAME_MAX)
		return 0;
	more = reallocarray(w->spots, w->n_spots + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	w->spots = more;
	more[w->n_spots].folder = folder;
	memcpy(more[w->n_spots++].name, name, len + 1);
	return 0;
}

/* 0, also where there is no such folder; or -errno when the kernel takes no more watches, or without memory. */
static int watch_name(struct cert_watch *w, const char *folder, const char *name)
{
	int watch = inotify_add_watch(w->fd, folder, SIGNS | IN_ONLYDIR | IN_MASK_ADD);

	if (watch < 0)
		return errno == ENOSPC || errno == ENOMEM ? -errno : 0;
	return add_spot(w, watch, name);
}

/* Watches each folder on the way, up to where it ends: what comes into being there is a sign. As watch_name(). */
static int watch_way(struct cert_watch *w, struct way *way)
{
	for (;;) {
		char *name = way->rest + strspn(way->rest, "/");
		char *rest = name + strcspn(name, "/");
		int r;

		if (!*name)
			return 0;
		if (*rest)
			*rest++ = '\0';
		rest += strspn(rest, "/");
		r = watch_name(w, way->at, name);
		if (r < 0)
			return r;
		if (!way_step(way, name, rest))
			return 0;
	}
}

/* ---- signs ---- */

static bool is_sign(const struct cert_watch *w, const struct inotify_event *event)
{
	if (event->len == 0)
		return true;
	for (size_t i = 0; i < w->n_spots; i++)
		if (w->spots[i].folder == event->wd && strcmp(w->spots[i].name, event->name) == 0)
			return true;
	return false;
}

/* One read: of a flood the loop brings the rest. What cannot be read is a sign. */
static bool read_events(const struct cert_watch *w)
{
	_Alignas(struct inotify_event) char buf[EVENTS_BYTES];
	ssize_t n = read(w->fd, buf, sizeof(buf));
	const struct inotify_event *event;

	if (n < 0)
		return errno != EAGAIN && errno != EINTR;
	for (ssize_t at = 0; at < n; at += (ssize_t)(sizeof(*event) + event->len)) {
		event = (const void *)(buf + at);
		if (is_sign(w, event))
			return true;
	}
	return false;
}

static void on_events(void *arg, unsigned ready)
{
	struct cert_watch *w = arg;

	if (read_events(w) && loop_io_watch(w->io, 0) == 0)
		loop_timer_set(w->timer, loop_now(w->loop) + w->params.gather_ns);
}

static void stop_watching(struct cert_watch *w)
{
	loop_io_free(w->io);
	w->io = NULL;
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	free(w->spots);
	w->spots = NULL;
	w->n_spots = 0;
}

/* 0 or -errno. */
static int start_watching(struct cert_watch *w)
{
	struct way way;
	int r = 0;

	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd < 0)
		return -errno;
	for (size_t i = 0; i < w->params.n_files && r == 0; i++)
		if (way_begin(&way, w->files[i]))
			r = watch_way(w, &way);
	if (r < 0)
		return r;
	w->io = loop_io_new(w->loop, w->fd, LOOP_READ, on_events, w);
	return w->io ? 0 : -errno;
}

static void watch_anew(struct cert_watch *w)
{
	int r;

	stop_watching(w);
	r = start_watching(w);
	if (r < 0) {
		stop_watching(w);
		loop_timer_set(w->timer, loop_now(w->loop) + w->params.poll_ns);
	}
	if (r < 0 && !w->is_polling)
		log_warning("the kernel does not tell when certificates change (inotify: %s): "
			    "they are looked at every %u s; see fs.inotify.max_user_instances and "
			    "max_user_watches",
			    strerror(-r), (unsigned)(w->params.poll_ns / 1000000000));
	w->is_polling = r < 0;
}

static void look(void *arg)
{
	struct cert_watch *w = arg;
	uint64_t before = w->print;

	watch_anew(w);
	w->print = look_at_files(w);
	if (w->print != before)
		w->params.on_change(w->params.arg);
}

/* ---- life ---- */

static bool copy_files(struct cert_watch *w)
{
	w->files = calloc(w->params.n_files + 1, sizeof(*w->files));
	for (size_t i = 0; w->files && i < w->params.n_files; i++) {
		w->files[i] = strdup(w->params.files[i]);
		if (!w->files[i])
			return false;
	}
	return w->files;
}

struct cert_watch *cert_watch_new(struct loop *loop, const struct cert_watch_params *params)
{
	struct cert_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->loop = loop;
	w->params = *params;
	w->fd = -1;
	w->timer = loop_timer_new(loop, look, w);
	if (!w->timer || !copy_files(w)) {
		cert_watch_free(w);
		errno = ENOMEM;
		return NULL;
	}
	watch_anew(w);
	w->print = look_at_files(w);
	return w;
}

void cert_watch_free(struct cert_watch *w)
{
	if (!w)
		return;
	stop_watching(w);
	loop_timer_free(w->timer);
	for (size_t i = 0; w->files && i < w->params.n_files; i++)
		free(w->files[i]);
	free(w->files);
	free(w);
}
