/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/keeper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sstp/base/log.h"
#include "sstp/worker/child.h"

extern char **environ;

struct keeper {
	char *path;
	pid_t child;  /* 0: none */
	int waits_fd; /* the next description, in memory; < 0: none */
};

/* A file in memory with this text, to be read from its beginning; or -errno. */
static int memory_file(const char *text, size_t len)
{
	int fd = memfd_create("description", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (write(fd, text, len) == (ssize_t)len && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	close(fd);
	return -EIO;
}

static int start(struct keeper *k)
{
	char *const argv[] = {(char *)"sstp-worker", (char *)"profile", (char *)"update", k->path,
			      NULL};
	pid_t pid = child_start(CHILD_SELF, argv, environ, k->waits_fd);

	close(k->waits_fd);
	k->waits_fd = -1;
	if (pid < 0)
		return pid;
	k->child = pid;
	return 0;
}

struct keeper *keeper_new(const char *path)
{
	struct keeper *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->waits_fd = -1;
	k->path = strdup(path);
	if (k->path)
		return k;
	keeper_free(k);
	return NULL;
}

void keeper_free(struct keeper *k)
{
	if (!k)
		return;
	if (k->waits_fd >= 0)
		close(k->waits_fd);
	free(k->path);
	free(k);
}

int keeper_store(struct keeper *k, const char *text, size_t len)
{
	int fd = k ? memory_file(text, len) : 0;

	if (!k || fd < 0)
		return fd;
	if (k->waits_fd >= 0)
		close(k->waits_fd);
	k->waits_fd = fd;
	return k->child ? 0 : start(k);
}

void keeper_on_child(struct keeper *k, pid_t pid, int wait_status)
{
	int r;

	if (!k || pid != k->child)
		return;
	k->child = 0;
	if (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != EXIT_SUCCESS)
		log_warning("the network description could not be written into %s: the next start "
			    "begins with the one before",
			    k->path);
	r = k->waits_fd >= 0 ? start(k) : 0;
	if (r < 0)
		log_warning("the network description is not written into %s: %s", k->path,
			    strerror(-r));
}
