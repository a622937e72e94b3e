/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's /etc/netns/NAME/resolv.conf comes back even when a worker was killed in between: what it
 * held is saved beside it before our first line goes in, and who finds our first line takes the saved
 * file for the original. What has another first line is the operator's own, whatever is saved.
 */
#include "sstp/worker/dns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sstp/worker/run_folder.h"

enum {
	SAVED_MAX = 65536
};

static const char first_line[] = "# by sstp-worker: the virtual network's DNS servers\n";

/*
 * glibc waits this long for each server, and by default goes through all of them twice. A lone one that has lost a question
 * is asked again.
 */
static const char options_of_one[] = "options timeout:3 attempts:2\n";
static const char options_of_more[] = "options timeout:3 attempts:1\n";

struct dns {
	char folder[PATH_MAX / 2];
	char path[PATH_MAX];
	char saved_path[PATH_MAX];
	bool made_folder; /* below /etc/netns */
	bool in_run;
	bool written;  /* the file is not the operator's: something to put back */
	bool has_file; /* written by us in this life */
	bool keep;     /* also without servers */
	char *saved;   /* what the file held before us; NULL: there was none */
	size_t saved_len;
};

/* 0 also when there is no such file: *ret_text is NULL then. */
static int read_file(const char *path, char **ret_text, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	text = malloc(SAVED_MAX);
	n = text ? read(fd, text, SAVED_MAX) : -1;
	close(fd);
	if (n < 0) {
		free(text);
		return -EIO;
	}
	*ret_text = text;
	*ret_len = (size_t)n;
	return 0;
}

static bool is_by_us(const char *text, size_t len)
{
	return text && len >= strlen(first_line) && !memcmp(text, first_line, strlen(first_line));
}

static int read_before(struct dns *d)
{
	int r = read_file(d->path, &d->saved, &d->saved_len);

	if (r < 0 || !is_by_us(d->saved, d->saved_len))
		return r;
	free(d->saved);
	d->saved = NULL;
	d->written = true; /* by one that was killed: ours to put right */
	return read_file(d->saved_path, &d->saved, &d->saved_len);
}

static int make_named(struct dns *d, const char *netns)
{
	int r = run_folder_make_public("/etc/netns");

	snprintf(d->folder, sizeof(d->folder), "/etc/netns/%s", netns);
	if (r >= 0)
		r = run_folder_make_public(d->folder);
	d->made_folder = r > 0;
	return r < 0 ? r : 0;
}

/* A namespace given by its path has no name that `ip netns exec` would look for. */
static int make_folder(struct dns *d, const char *netns)
{
	bool named = netns && !strchr(netns, '/');
	int r = named ? make_named(d, netns) : run_folder_make(d->folder);

	d->in_run = !named;
	snprintf(d->path, sizeof(d->path), "%s/resolv.conf", d->folder);
	snprintf(d->saved_path, sizeof(d->saved_path), "%s/resolv.conf.before-sstp-worker",
		 d->folder);
	return r;
}

int dns_new(const char *netns, struct dns **ret_dns)
{
	struct dns *d = calloc(1, sizeof(*d));
	int r = d ? make_folder(d, netns) : -ENOMEM;

	if (r == 0)
		r = read_before(d);
	if (r < 0) {
		dns_free(d);
		return r;
	}
	*ret_dns = d;
	return 0;
}

/* Empty lines stand where the old text was longer, until it is cut: nobody reads half of each. */
static int overwrite(int fd, const char *text, size_t len)
{
	struct stat st;
	size_t size;
	char *padded;
	ssize_t n;

	if (fchmod(fd, 0644) < 0 || fstat(fd, &st) < 0)
		return -errno;
	size = (size_t)st.st_size > len ? (size_t)st.st_size : len;
	padded = malloc(size + 1);
	if (!padded)
		return -ENOMEM;
	memset(padded, '\n', size);
	memcpy(padded, text, len);
	n = pwrite(fd, padded, size, 0);
	free(padded);
	return n != (ssize_t)size || ftruncate(fd, (off_t)len) < 0 ? -EIO : 0;
}

static int write_file(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	int r;

	if (fd < 0)
		return -errno;
	r = overwrite(fd, text, len);
	return close(fd) < 0 ? -EIO : r;
}

static void put_back(const struct dns *d)
{
	if (!d->saved)
		unlink(d->path);
	else if (write_file(d->path, d->saved, d->saved_len) == 0)
		unlink(d->saved_path);
}

void dns_free(struct dns *d)
{
	if (!d)
		return;
	if (d->written)
		put_back(d);
	if (d->made_folder)
		rmdir(d->folder);
	if (d->in_run)
		run_folder_remove();
	free(d->saved);
	free(d);
}

/* What the app would see without us, behind our first line; owned text. -ENOMEM, -EIO. */
static int text_of_before(const struct dns *d, char **ret_text, size_t *ret_len)
{
	char *host = NULL, *text;
	const char *before = d->saved;
	size_t len = d->saved_len, used = strlen(first_line);
	int r = 0;

	if (!before) {
		len = 0;
		r = read_file("/etc/resolv.conf", &host, &len);
		before = host;
	}
	text = r == 0 ? malloc(used + len + 1) : NULL;
	if (text) {
		memcpy(text, first_line, used);
		if (len)
			memcpy(text + used, before, len);
		*ret_text = text;
		*ret_len = used + len;
	} else if (r == 0) {
		r = -ENOMEM;
	}
	free(host);
	return r;
}

static int text_of_names(const struct dns_names *names, char **ret_text, size_t *ret_len)
{
	FILE *f = open_memstream(ret_text, ret_len);
	char address[PREFIX_TEXT_MAX];

	if (!f)
		return -ENOMEM;
	fputs(first_line, f);
	for (size_t i = 0; i < names->n_servers; i++)
		fprintf(f, "nameserver %s\n", prefix_format_address(&names->servers[i], address));
	for (size_t i = 0; i < names->n_domains; i++)
		fprintf(f, "%s%s%s", i ? " " : "search ", names->domains[i],
			i + 1 < names->n_domains ? "" : "\n");
	fputs(names->n_servers > 1 ? options_of_more : options_of_one, f);
	if (fclose(f) == 0)
		return 0;
	free(*ret_text);
	return -ENOMEM;
}

void dns_keep(struct dns *d)
{
	d->keep = true;
}

int dns_set(struct dns *d, const struct dns_names *names)
{
	char *text = NULL;
	size_t len = 0;
	int r;

	if (names->n_servers == 0 && !d->has_file && !d->keep)
		return 0;
	r = names->n_servers ? text_of_names(names, &text, &len) : text_of_before(d, &text, &len);
	if (r < 0)
		return r;
	if (d->saved && !d->written)
		r = write_file(d->saved_path, d->saved, d->saved_len);
	if (r == 0)
		r = write_file(d->path, text, len);
	d->written |= r == 0;
	d->has_file |= r == 0;
	free(text);
	return r;
}

const char *dns_path(const struct dns *d)
{
	return d->has_file ? d->path : NULL;
}
