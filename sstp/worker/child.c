/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By fork(): posix_spawn() keeps the caller, which carries packets, until the child has executed its program, and on a
 * machine at its limit that is tens of milliseconds. fork() copies the page tables, about 0.5 ms.
 */
#include "sstp/worker/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static void set_signals(void)
{
	sigset_t none;

	for (int signo = 1; signo < NSIG; signo++)
		signal(signo, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Only what is safe between fork() and exec: another thread may hold a lock. */
static _Noreturn void become(const char *program, char *const argv[], char *const envp[],
			     int stdin_fd)
{
	set_signals();
	if (stdin_fd == STDIN_FILENO)
		fcntl(stdin_fd, F_SETFD, 0);
	else if (stdin_fd >= 0 && dup2(stdin_fd, STDIN_FILENO) < 0)
		_exit(CHILD_NO_EXEC);
	execve(program, argv, envp);
	_exit(CHILD_NO_EXEC);
}

/* All signals are blocked meanwhile: none meets a handler of ours in the child. */
pid_t child_start(const char *program, char *const argv[], char *const envp[], int stdin_fd)
{
	sigset_t all, before;
	pid_t pid;
	int error;

	if (access(program, X_OK) < 0)
		return -errno;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	pid = fork();
	error = errno;
	if (pid == 0)
		become(program, argv, envp, stdin_fd);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid < 0 ? -error : pid;
}
