/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/child.h"

#include <signal.h>
#include <spawn.h>
#include <unistd.h>

static void set_signals(posix_spawnattr_t *attr)
{
	sigset_t all, none;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_setsigdefault(attr, &all);
	posix_spawnattr_setsigmask(attr, &none);
	posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
}

pid_t child_start(const char *program, char *const argv[], char *const envp[], int stdin_fd)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	pid_t pid;
	int error;

	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	set_signals(&attr);
	if (stdin_fd >= 0)
		posix_spawn_file_actions_adddup2(&files, stdin_fd, STDIN_FILENO);
	error = posix_spawn(&pid, program, &files, &attr, argv, envp);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return error ? -error : pid;
}
