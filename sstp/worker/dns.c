/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	SAVED_MAX = 65536
};

struct dns {
	char folder[PATH_MAX / 2];
	char path[PATH_MAX];
	bool made_folder;
	bool written;
	char *saved; /* what the file held before us; NULL: there was none */
	size_t saved_len;
};

static int read_before(struct dns *d)
{
	int fd = open(d->path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	d->saved = malloc(SAVED_MAX);
	n = d->saved ? read(fd, d->saved, SAVED_MAX) : -1;
	close(fd);
	if (n < 0)
		return -EIO;
	d->saved_len = (size_t)n;
	return 0;
}

static int make_folder(struct dns *d, const char *parent)
{
	if (mkdir(parent, 0755) < 0 && errno != EEXIST)
		return -errno;
	if (mkdir(d->folder, 0755) == 0)
		d->made_folder = true;
	else if (errno != EEXIST)
		return -errno;
	return 0;
}

int dns_new(const char *netns, struct dns **ret_dns)
{
	const char *parent = netns ? "/etc/netns" : "/run/sstp-worker";
	struct dns *d = calloc(1, sizeof(*d));
	int r = d ? 0 : -ENOMEM;

	if (r == 0 && netns)
		snprintf(d->folder, sizeof(d->folder), "%s/%s", parent, netns);
	else if (r == 0)
		snprintf(d->folder, sizeof(d->folder), "%s/%d", parent, (int)getpid());
	if (r == 0)
		r = make_folder(d, parent);
	if (r == 0) {
		snprintf(d->path, sizeof(d->path), "%s/resolv.conf", d->folder);
		r = read_before(d);
	}
	if (r < 0) {
		dns_free(d);
		return r;
	}
	*ret_dns = d;
	return 0;
}

static int write_file(const struct dns *d, const char *text, size_t len)
{
	int fd = open(d->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, len);
	if (close(fd) < 0 || n != (ssize_t)len)
		return -EIO;
	return 0;
}

void dns_free(struct dns *d)
{
	if (!d)
		return;
	if (d->written && d->saved)
		write_file(d, d->saved, d->saved_len);
	else if (d->written)
		unlink(d->path);
	if (d->made_folder)
		rmdir(d->folder);
	free(d->saved);
	free(d);
}

int dns_set(struct dns *d, const uint32_t servers_be[2])
{
	char text[256] = "# by sstp-worker: the virtual network's DNS servers\n";
	char address[INET_ADDRSTRLEN];
	size_t len = strlen(text);
	int r;

	for (int i = 0; i < 2; i++)
		if (servers_be[i])
			len += (size_t)snprintf(
				text + len, sizeof(text) - len, "nameserver %s\n",
				inet_ntop(AF_INET, &servers_be[i], address, sizeof(address)));
	if (!servers_be[0] && !servers_be[1])
		return 0;
	r = write_file(d, text, len);
	d->written |= r == 0;
	return r;
}

const char *dns_path(const struct dns *d)
{
	return d->written ? d->path : NULL;
}
